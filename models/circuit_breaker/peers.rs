//! Published circuit breakers, unchanged, driven through the same model.
//!
//! Each parts from the model in more than one way, and a tour stops at the first. So each has a model of its own, with
//! all its [`Quirk`]s, to which it must conform over every transition; and one model for each quirk with only that one
//! left out, from which it must part: the trace shows that quirk and nothing else.
//!
//! All three wrap a future. A call's future stays pending until its client's slot is told how it ends, so that acquire
//! and report are two inputs; it is polled by hand, and no async runtime is needed. They read the clock themselves:
//! every step into one runs under its own virtual time (Linux; elsewhere they are reported as not run).

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
use counterpart::conform::{Tour, Walk};
use counterpart::{Case, Check};

use super::conformance::BreakerInterface;
use super::model::{Breaker, Quirk, WindowKind};
use super::properties::CAN_CLOSE;

const FAILSAFE: &str = "failsafe 1.3.0";
const RECLOSER: &str = "recloser 1.4.0";
const TOWER: &str = "tower-resilience-circuitbreaker 0.14.0";

/// A crate in one configuration, with its model.
#[derive(Clone)]
struct Peer {
    /// Name of the case.
    case: &'static str,
    subject: &'static str,
    /// The model with all the crate's quirks.
    model: Breaker,
    #[cfg(all(target_os = "linux", target_pointer_width = "64"))]
    make: fn() -> driven::Driven,
}

/// What each crate does, exactly, in the words of the model.
fn peers() -> Vec<Peer> {
    [failsafe(), vec![recloser()], tower_resilience()].concat()
}

/// A model of two clients, which are enough to tell the crates apart.
fn small() -> Breaker {
    Breaker { clients: 2, ..Breaker::small() }
}

fn failsafe() -> Vec<Peer> {
    // One success closes it, whatever is configured, and all of the last four results must be failures.
    let failsafe = Breaker {
        failure_rate_percent: 100,
        permits: 1,
        quirks: vec![Quirk::UnlimitedProbes, Quirk::TrustsLateResults, Quirk::IgnoredIsSuccess, Quirk::PanicIsNoResult],
        ..small()
    };
    vec![
        Peer {
            case: "failsafe",
            subject: FAILSAFE,
            #[cfg(all(target_os = "linux", target_pointer_width = "64"))]
            make: driven::failsafe_consecutive,
            model: failsafe.clone(),
        },
        // A window of 999 ms is cut to 0 s: the moving average is then the last result, so that any failure opens it
        // once there are four results in the tick.
        Peer {
            case: "failsafe_window_below_a_second",
            subject: FAILSAFE,
            #[cfg(all(target_os = "linux", target_pointer_width = "64"))]
            make: driven::failsafe_window_below_a_second,
            model: Breaker {
                window: WindowKind::Ticks { ticks: 1, results_max: 5 },
                failure_rate_percent: 1,
                permits: 1,
                quirks: [failsafe.quirks, vec![Quirk::OnlyFailuresOpen, Quirk::ClosingSuccessCounts]].concat(),
                ..small()
            },
        },
    ]
}

/// recloser. Its lengths are one less than the model's, so that both decide at the same call.
fn recloser() -> Peer {
    Peer {
        case: "recloser",
        subject: RECLOSER,
        #[cfg(all(target_os = "linux", target_pointer_width = "64"))]
        make: driven::recloser,
        model: Breaker {
            window: WindowKind::Calls(3),
            minimum_calls: 3,
            permits: 1,
            quirks: vec![
                Quirk::UnlimitedProbes,
                Quirk::TrustsLateResults,
                Quirk::IgnoredIsSuccess,
                Quirk::PanicIsNoResult,
                Quirk::NeedsOneResultMore,
                Quirk::SecondProbeDecides,
            ],
            ..small()
        },
    }
}

fn tower_resilience() -> Vec<Peer> {
    vec![
        Peer {
            case: "tower_resilience",
            subject: TOWER,
            #[cfg(all(target_os = "linux", target_pointer_width = "64"))]
            make: driven::tower_count_window,
            model: Breaker {
                window: WindowKind::Everything { results_max: 6 },
                slow_rate_percent: Some(50),
                quirks: vec![
                    Quirk::TrustsLateResults,
                    Quirk::IgnoredIsSuccess,
                    Quirk::PanicIsNoResult,
                    Quirk::SlowProbeSucceeds,
                ],
                ..small()
            },
        },
        // A record is kept as long as it is not older than the window: a window of one second spans two ticks.
        Peer {
            case: "tower_resilience_time_window",
            subject: TOWER,
            #[cfg(all(target_os = "linux", target_pointer_width = "64"))]
            make: driven::tower_time_window,
            model: Breaker {
                window: WindowKind::Ticks { ticks: 2, results_max: 2 },
                slow_rate_percent: Some(50),
                quirks: vec![
                    Quirk::TrustsLateResults,
                    Quirk::IgnoredIsSuccess,
                    Quirk::PanicIsNoResult,
                    Quirk::SlowProbeSucceeds,
                    Quirk::ProbesAgeOut,
                ],
                ..small()
            },
        },
    ]
}

/// Each crate against its own model, and against each model that lacks one of its quirks.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = vec![against_ours()];
    for peer in peers() {
        let conforming = peer.alongside(super::check(peer.model.clone()).alongside_only(), How::Conforms);
        cases.push(Case::new(format!("circuit_breaker/{}", peer.case), conforming));
        for quirk in &peer.model.quirks {
            let mut without = peer.model.clone();
            without.quirks.retain(|other| other != quirk);
            let name = format!("{}_but_for_{}", peer.case, crate::snake(quirk));
            // A model without it does not remember the time between two probes, so that no transition of it asks for
            // one.
            let how = if *quirk == Quirk::ProbesAgeOut { How::PartsOnWalk } else { How::PartsOnTour };
            cases.push(parting(&peer, name, without, why(*quirk), how));
        }
        if let Some((name, model, why)) = peer.with_our_window() {
            cases.push(parting(&peer, name, model, why, How::PartsOnTour));
        }
        if peer.case == "tower_resilience_time_window" {
            cases.push(half_open_for_ever(peer.model));
        }
    }
    cases
}

/// How a crate is expected to fare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Conforms,
    /// A tour over the transitions shows that it parts.
    PartsOnTour,
    /// A walk shows that it parts: it takes a longer run than any one transition asks for.
    PartsOnWalk,
}

/// The model that tower-resilience with a time window conforms to: it can get stuck half-open.
fn half_open_for_ever(model: Breaker) -> Case {
    let check = [
        CAN_CLOSE,
        "only results of the current generation move it",
        "it opens only when the results call for it",
        "a failed probe opens it again",
        "a half-open round admits no more than its permits",
        "every permit out belongs to a running or successful probe",
    ]
    .into_iter()
    .fold(super::check(model), |check, property| check.violates(property));
    Case::new("circuit_breaker/tower_resilience_half_open_for_ever", check.because(CAN_CLOSE, why(Quirk::ProbesAgeOut)))
}

/// The crates against our rules, configured to come nearest to these: each with the first way in which it parts from
/// them.
fn against_ours() -> Case {
    let mut check = super::check(Breaker { clients: 3, ..Breaker::small() });
    for peer in peers().into_iter().filter(|peer| !peer.case.contains("window")) {
        check = peer.alongside(check, How::PartsOnTour);
    }
    Case::new("circuit_breaker/crates", check)
}

impl Peer {
    /// The model with the window that was asked for, where the crate's window is another.
    fn with_our_window(&self) -> Option<(String, Breaker, &'static str)> {
        let (model, why) = match self.case {
            "failsafe_window_below_a_second" => (
                Breaker { failure_rate_percent: 50, ..self.model.clone() },
                "a window of 999 ms is cut to 0 s, so that the last result alone is the rate",
            ),
            "tower_resilience" => (
                Breaker { window: WindowKind::Calls(4), ..self.model.clone() },
                "the count window does not slide: all results since it closed are in it",
            ),
            _ => return None,
        };
        Some((format!("{}_but_for_its_window", self.case), model, why))
    }

    #[cfg(all(target_os = "linux", target_pointer_width = "64"))]
    fn alongside(&self, check: Check<Breaker, BreakerInterface>, how: How) -> Check<Breaker, BreakerInterface> {
        let toured = || Tour::new().of(self.make);
        let walked = || Walk::new().runs(100).steps(300).of(self.make);
        match how {
            How::Conforms => check.subject(self.subject, toured()).subject(self.subject, walked()),
            How::PartsOnTour => check.subject(self.subject, toured()).diverges(self.subject),
            How::PartsOnWalk => check.subject(self.subject, walked()).diverges(self.subject),
        }
    }

    #[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
    fn alongside(&self, check: Check<Breaker, BreakerInterface>, _: How) -> Check<Breaker, BreakerInterface> {
        check.not_run(self.subject, "it reads the system clock, which is virtual on 64-bit Linux only")
    }
}

/// A case in which the crate parts from `model`, and why.
fn parting(peer: &Peer, name: String, model: Breaker, why: &str, how: How) -> Case {
    let check = super::check(model).alongside_only().because(peer.subject, why);
    Case::new(format!("circuit_breaker/{name}"), peer.alongside(check, how))
}

/// What a crate with the quirk does, for a reader of the trace.
fn why(quirk: Quirk) -> &'static str {
    match quirk {
        Quirk::UnlimitedProbes => "half-open lets everyone through, however many probes are under way",
        Quirk::TrustsLateResults => {
            "the result of a call that was admitted before the breaker opened moves it all the same"
        }
        Quirk::IgnoredIsSuccess => "an error that is not to be counted is counted as a success",
        Quirk::PanicIsNoResult => "a call that panics leaves no result behind",
        Quirk::SlowProbeSucceeds => "a slow probe is as good as a fast one, though slow calls have a rate",
        Quirk::NeedsOneResultMore => "the rate is looked at only when one result more has come than the window holds",
        Quirk::SecondProbeDecides => "the first probe decides nothing, the second everything",
        Quirk::ProbesAgeOut => {
            "a probe's success is forgotten with the window: two that are further apart use up both permits, and nothing \
             gives one back"
        }
        Quirk::ClosingSuccessCounts => "the success that closed it is the first result of the new window",
        Quirk::OnlyFailuresOpen => "the rate is looked at after failures only",
    }
}

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod driven;
