//! Every case of the catalogue gives what is expected of it, and the catalogue as a whole proves that it can fail.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use counterpart::check::{Case, Options};
use counterpart::conform::{Agreement, Mode};
use counterpart::report::{CaseReport, ConformanceReport, Report};
use counterpart::verdict::Verdict;
use libtest_mimic::Trial;

use crate::claim;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials: Vec<Trial> = ran()
        .iter()
        .map(|ran| {
            claim(format!("catalogue::{}", ran.case.name()), || {
                Report::new(vec![ran.report().clone()], Vec::new()).assert();
            })
        })
        .collect();
    trials.push(claim("catalogue::every_property_is_failed_by_something", properties_can_fail));
    trials.push(claim("catalogue::a_large_case_runs_nothing_alongside_that_diverges", large_cases));
    trials.push(claim("catalogue::every_way_of_running_a_subject_is_failed_by_something", modes_can_fail));
    trials.push(claim("catalogue::a_conforming_tour_drove_every_transition_and_knows_where_each_led", tours_are_whole));
    trials.push(claim("catalogue::every_published_crate_conforms_somewhere_and_diverges_somewhere", crates));
    trials.push(claim("catalogue::wherever_a_defect_is_caught_a_sound_one_runs_in_the_same_bounds", sound_ones));
    trials
}

/// A case, and its report once somebody has asked for it: trials share one run.
pub(crate) struct Ran {
    pub(crate) case: Case,
    report: OnceLock<CaseReport>,
}

impl Ran {
    pub(crate) fn report(&self) -> &CaseReport {
        self.report.get_or_init(|| self.case.run(&Options::default()).0)
    }
}

/// The catalogue but for its large cases.
pub(crate) fn ran() -> &'static [Ran] {
    static RAN: OnceLock<Vec<Ran>> = OnceLock::new();
    RAN.get_or_init(|| {
        let cases = counterpart_models::catalogue().into_iter().filter(|case| !case.is_large());
        cases.map(|case| Ran { case, report: OnceLock::new() }).collect()
    })
}

/// A check that nothing can fail shows nothing: every `always` is violated by a variant, every `sometimes` has a
/// witness.
fn properties_can_fail() {
    let mut shown: BTreeMap<(&str, &str), bool> = BTreeMap::new();
    for report in ran().iter().map(Ran::report) {
        for property in &report.properties {
            let telling = match property.kind {
                counterpart::model::Kind::Sometimes => property.verdict == Verdict::Holds,
                _ => property.verdict == Verdict::Violated,
            };
            *shown.entry((&report.protocol, &property.name)).or_default() |= telling;
        }
    }
    let never: Vec<_> = shown.iter().filter(|(_, shown)| !**shown).map(|(property, _)| property).collect();
    assert!(never.is_empty() && !shown.is_empty(), "nothing fails, or witnesses, {never:?}");
}

/// What is committed is what `check` writes without being asked for more. Of a violation that a large case expects it
/// writes no trace; that of a subject would be an orphan, and takes long to replay.
fn large_cases() {
    let large: Vec<Case> = counterpart_models::catalogue().into_iter().filter(Case::is_large).collect();
    assert!(!large.is_empty());
    for case in large {
        // Ours, which conforms; what has a defect has a name of its own.
        let ours = case.listing().subjects.iter().all(|subject| subject == "implementation");
        assert!(ours, "{}", case.name());
    }
}

fn modes_can_fail() {
    let mut passed: BTreeSet<(&str, String)> = BTreeSet::new();
    let mut failed = passed.clone();
    for report in ran().iter().map(Ran::report) {
        for subject in &report.conformance {
            let to = if subject.verdict == Agreement::Diverges { &mut failed } else { &mut passed };
            to.insert((report.protocol.as_str(), subject.mode.to_string()));
        }
    }
    let never: Vec<_> = passed.difference(&failed).collect();
    assert!(never.is_empty() && !passed.is_empty(), "no defect fails {never:?}");
}

fn tours_are_whole() {
    for report in ran().iter().map(Ran::report) {
        for tour in report.conformance.iter().filter(|subject| subject.mode == Mode::Tour) {
            if tour.verdict == Agreement::Conforms {
                let of = format!("{} {}", report.case, tour.subject);
                let tour = tour.effort.coverage().expect("it is a tour");
                let left = tour.edges_unsupported + tour.edges_unchosen + tour.edges_ambiguous;
                assert_eq!(tour.edges, tour.edges_driven + left, "{of}");
                // No model of the catalogue leaves a choice to the implementation.
                assert_eq!((tour.edges_unchosen, tour.edges_ambiguous), (0, 0), "{of}: {:?}", tour.unchosen);
                let verified = tour.verified.as_ref().expect("a conforming tour says what its suffixes have shown");
                assert_eq!(verified.edges, tour.edges_driven, "{of}");
                assert!(verified.is_complete && verified.edges_verified == verified.edges, "{of}: {verified:?}");
                assert!(verified.starts >= verified.edges, "{of}: none without being driven, {verified:?}");
            }
        }
    }
}

fn crates() {
    let mut verdicts: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for report in ran().iter().map(Ran::report) {
        // A crate's name carries its version.
        for subject in report.conformance.iter().filter(|subject| subject.subject.contains('.')) {
            verdicts.entry(&subject.subject).or_default().insert(subject.verdict.name());
        }
    }
    for (subject, verdicts) in verdicts {
        assert_eq!(verdicts, BTreeSet::from(["conforms", "diverges"]), "{subject}");
    }
}

/// Cases in which a defect is caught, and nothing of ours could run.
const NOTHING_OF_OURS: &[(&str, &str)] = &[
    ("broker/accepts_late_end", "transactions are a model alone"),
    ("broker/keeps_aborted", "transactions are a model alone"),
    ("broker/keeps_epoch", "transactions are a model alone"),
    ("flp/chandra_toueg_never_suspects", "what is wrong is the failure detector, and that is whoever runs it"),
    ("flp/omnipaxos_", "what is run is a crate, and misused on purpose"),
    ("flp/replicated_log_", "what is run is a crate"),
    ("hash_ring/chord_shrinks_base", "what is wrong is how many fail, and that is up to the world"),
    ("load_balancer/deploy_recovery_is_lost", "the world around a balancer: what differs is a policy"),
    ("load_balancer/spike_is_retried_for_ever", "the world around a balancer: what differs is a policy"),
];

/// A defect that a model shows is one that ours could have. If ours never runs in bounds in which it shows, it is not
/// known not to: where there is one of everything, nothing that takes two can be seen. So wherever a defect runs as an
/// implementation, ours runs beside it in the same way; and a defect that is a model's variant is caught somewhere as an
/// implementation, or ours runs in its very bounds.
fn sound_ones() {
    let held: Vec<&CaseReport> = ran().iter().map(Ran::report).collect();
    let is_raced = |subject: &ConformanceReport| subject.mode == Mode::Interleave;
    let mut sound: BTreeSet<(&str, Bounds, bool)> = BTreeSet::new();
    for report in held.iter().filter(|report| variant(report).is_none()) {
        let ours = report.conformance.iter().filter(|subject| subject.subject.starts_with("implementation"));
        for subject in ours.filter(|subject| subject.verdict == Agreement::Conforms) {
            sound.insert((&report.protocol, bounds(report), is_raced(subject)));
        }
    }
    let (mut alone, mut beside) = (BTreeSet::new(), BTreeSet::new());
    for report in &held {
        for subject in report.conformance.iter().filter(|subject| subject.verdict == Agreement::Diverges) {
            // A crate's name carries its version. What does not recover is its own yardstick.
            if subject.subject.contains('.') || subject.mode == Mode::Recovery {
                continue;
            }
            if sound.contains(&(report.protocol.as_str(), bounds(report), is_raced(subject))) {
                beside.insert((report.protocol.as_str(), subject.subject.as_str()));
            } else {
                alone.insert(format!("{}: {} {}", report.case, subject.subject, subject.mode));
            }
        }
    }
    for report in &held {
        let Some(variant) = variant(report) else { continue };
        let is_violated = report.properties.iter().any(|property| property.verdict == Verdict::Violated);
        let is_this = |name: &str| name.starts_with(&variant) || report.case.ends_with(&format!("/{name}"));
        let as_one = beside.iter().any(|(protocol, name)| *protocol == report.protocol && is_this(name));
        if is_violated && !as_one && !sound.contains(&(report.protocol.as_str(), bounds(report), false)) {
            alone.insert(format!("{}: {variant}", report.case));
        }
    }
    let excused = |name: &str| NOTHING_OF_OURS.iter().any(|(case, _)| name.starts_with(case));
    for (case, _) in NOTHING_OF_OURS.iter().filter(|(case, _)| held.iter().any(|report| report.case.starts_with(case)))
    {
        assert!(alone.iter().any(|name| name.starts_with(case)), "{case} needs no excuse");
    }
    alone.retain(|name| !excused(name));
    assert!(alone.is_empty(), "a defect is caught, and no sound one of ours runs there: {alone:#?}");
}

/// The bounds of a model, whatever it does wrong. What only watches is none.
type Bounds = BTreeMap<String, String>;

const VARIANT: &str = "variant: ";

fn bounds(report: &CaseReport) -> Bounds {
    let mut bounds = report.parameters.clone();
    bounds.remove("variant");
    bounds.remove("monitored");
    for value in bounds.values_mut() {
        if let Some((before, after)) = value.split_once(VARIANT) {
            *value = format!("{before}{}", after.trim_start_matches(char::is_alphanumeric));
        }
    }
    bounds
}

/// What a case's model does wrong, as a subject is named.
fn variant(report: &CaseReport) -> Option<String> {
    let part = report.parameters.values().find_map(|value| value.split_once(VARIANT).map(|(_, after)| after));
    let named = report.parameters.get("variant").map(String::as_str).or(part)?;
    let name: String = named.chars().take_while(|letter| letter.is_alphanumeric()).collect();
    let mut snake = String::new();
    for letter in name.chars().filter(|_| name != "Sound") {
        if letter.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    (!snake.is_empty()).then_some(snake)
}
