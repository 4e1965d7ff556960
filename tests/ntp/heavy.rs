//! ntp-proto (ntpd-rs) as a client in the exchange, and the selection of rusty_time-core: what each does, and where it
//! parts from the models.

use std::collections::BTreeSet;

use counterpart::Check;
use counterpart::conform::Tour;
use counterpart_models::ntp;
use counterpart_models::ntp::conformance::ExchangeInterface;
use counterpart_models::ntp::heavy::{NTP_PROTO, NtpProto};
use counterpart_models::ntp::model::{Answer, Exchange};
use counterpart_models::ntp::select;
use counterpart_models::ntp::select::conformance::SelectInterface;
use counterpart_models::ntp::select::heavy::{RUSTY_TIME, rusty_time, survivors};
use counterpart_models::ntp::select::model::{Algorithm, Report, Select};
use libtest_mimic::Trial;
use stateright::Model as _;

use crate::claim;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("ntp_heavy::ntp_proto_conforms_to_an_exchange_without_kisses", conforms),
        claim("ntp_heavy::ntp_proto_knows_no_offset_of_34_years", years),
        claim("ntp_heavy::ntp_proto_believes_no_packet_that_is_forged", unforged),
        claim("ntp_heavy::ntp_proto_asks_on_when_it_is_denied", denied),
        claim("ntp_heavy::ntp_proto_asks_once_more_as_it_had_meant_to_before_it_obeys_rate", rated),
        claim("ntp_heavy::ntp_proto_measures_whatever_the_leap_indicator_says", timeless),
        claim("ntp_heavy::rusty_time_is_max_overlap_as_listed", overlap),
        claim("ntp_heavy::rusty_time_depends_on_the_order_of_servers", order),
    ]
}

/// An exchange over a network that loses a packet and doubles one, with a client that asks every four ticks. A tick is
/// eight and a half years.
fn plain() -> Exchange {
    Exchange { forgeries_max: 0, ..Exchange::small() }
}

fn kind() -> Exchange {
    Exchange { losses_max: 0, doubles_max: 0, ..plain() }
}

fn alongside(model: Exchange) -> Check<Exchange, ExchangeInterface> {
    let beside = model.clone();
    let tour = Tour::new().of(move || NtpProto::bound(&beside));
    ntp::check(model).named("ntp/ntp_proto").alongside_only().subject(NTP_PROTO, tour)
}

/// Its tour of `model` drives all of it.
#[track_caller]
fn drives_all(model: Exchange, states: usize, transitions: usize) {
    let report = alongside(model).run();
    report.assert();
    let case = &report.cases[0];
    let toured = &case.conformance[0];
    assert_eq!((case.states, toured.effort.edges()), (states, (transitions, transitions)));
}

/// Its tour of `model` must end at this step, in these words.
#[track_caller]
fn diverges(model: Exchange, because: &str, steps: usize, words: &str) {
    let report = alongside(model).because(NTP_PROTO, because).diverges(NTP_PROTO).run();
    report.assert();
    let toured = &report.cases[0].conformance[0];
    let why = toured.why.as_deref().unwrap_or_default();
    assert!(why.contains(words) && toured.effort.steps() == steps, "after {}: {why}", toured.effort.steps());
}

fn conforms() {
    drives_all(Exchange { offset: 2, ..plain() }, 20_133, 53_525);
}

/// RFC 5905 §8: sums of two differences of 63 bits hold 34 years in the past to 34 in the future, and no more. It takes
/// 64 bits for the sum; ours takes 128.
fn years() {
    diverges(
        plain(),
        "four ticks are 34 years, and twice that is more than its number has room for",
        10_074,
        "answers Heard(Measured { offset_doubled: 127, delay: 2 }), the model allows Heard(Measured { offset_doubled: 8, delay: 2 })",
    );
}

fn unforged() {
    drives_all(Exchange { forgeries_max: 2, ..kind() }, 2_802, 24_956);
}

fn denied() {
    diverges(
        Exchange { answers: vec![Answer::Deny], ..kind() },
        "without NTS it takes DENY for something that anybody can say, and asks on",
        6,
        "answers Heard(Bogus), the model allows Heard(Kissed(Deny))",
    );
}

fn rated() {
    diverges(
        Exchange { answers: vec![Answer::Rate], poll_max: 4, doubles_max: 1, ..kind() },
        "its timer runs on as it was set: the longer interval is that of the question after the next",
        15,
        "answers Asked, the model allows NotYet",
    );
}

fn timeless() {
    diverges(
        Exchange { answers: vec![Answer::Unsynchronised], ..kind() },
        "whether a server has time is looked at later, by who chooses among sources",
        6,
        "answers Heard(Measured { offset_doubled: 6, delay: 0 }), the model allows Heard(Unsynchronised)",
    );
}

fn alike(algorithm: Algorithm) -> Check<Select, SelectInterface> {
    select::check(Select::small(algorithm))
        .named("ntp/rusty_time")
        .alongside_only()
        .subject(RUSTY_TIME, Tour::new().of(rusty_time))
}

fn overlap() {
    let report = alike(Algorithm::MaxOverlapAsListed).run();
    report.assert();
    let toured = &report.cases[0].conformance[0];
    assert_eq!(toured.effort.edges(), (1_404, 1_404));
    for algorithm in [Algorithm::Majority, Algorithm::Rfc5905, Algorithm::MaxOverlap] {
        alike(algorithm).diverges(RUSTY_TIME).run().assert();
    }
}

/// Of the 1,350 triples, those of which another order has other survivors. The least one is two intervals that touch in a
/// point: they have it in common only if the later one is listed first.
fn order() {
    let model = Select::small(Algorithm::Majority);
    let mut states = model.init_states();
    for _ in 0..3 {
        states = states.iter().flat_map(|state| model.next_steps(state).into_iter().map(|(_, next)| next)).collect();
    }
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    let depends = |reports: &[Report]| {
        let surviving = |order: &[usize; 3]| {
            let bits = survivors(&order.map(|server| reports[server]));
            let back: u8 = (0..3).map(|place| (bits >> place & 1) << order[place]).sum();
            back
        };
        orders.iter().map(surviving).collect::<BTreeSet<u8>>().len() > 1
    };
    let triples: Vec<Vec<Report>> =
        states.iter().map(|state| state.reports.iter().flatten().copied().collect()).collect();
    assert_eq!(triples.len(), 1_350);
    let count = triples.iter().filter(|reports| depends(reports)).count();
    assert_eq!(count, 170);
    let touching = [Report { centre: -1, radius: 1 }, Report { centre: 1, radius: 1 }];
    let turned = [touching[1], touching[0]];
    assert_eq!((survivors(&touching), survivors(&turned)), (0b00, 0b11));
}
