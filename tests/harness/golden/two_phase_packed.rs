//! Two-phase commit with its states packed in a word, as `counterpart bench` measures it: the counts of those that are not.

use std::sync::Arc;

use counterpart::explore::{Budget, Equality, Stop, survey, survey_packed};
use libtest_mimic::Trial;

use crate::claim;

#[path = "../../../models/benches/measured/two_phase_packed.rs"]
mod model;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("golden::two_phase_commit_of_five_in_a_word_has_8832_states", five),
        claim("golden::two_phase_commit_in_a_word_is_told_alike_with_any_limit_and_threads", alike),
    ]
}

fn five() {
    let packed = survey_packed(Arc::new(model::TwoPhase { managers: 5 }), &Budget::default()).expect("a model");
    assert_eq!((packed.node_count(), packed.incomplete()), (8_832, None));
}

fn alike() {
    let model = Arc::new(model::TwoPhase { managers: 6 });
    for (equality, states_max) in [
        (Equality::Automatic, usize::MAX),
        (Equality::Fingerprint64, usize::MAX),
        (Equality::Fingerprint128, usize::MAX),
        (Equality::Fingerprint64, 30_000),
    ] {
        let budget = Budget::default().equality(equality).states_max(states_max);
        let plain = survey(model.clone(), &budget).expect("a model");
        assert_eq!(plain.stop().is_some(), states_max == 30_000);
        assert!(plain.stop().is_none_or(|stop| *stop == Stop::States(30_000)));
        for threads in [1, 2, 3] {
            let packed = survey_packed(model.clone(), &budget.clone().threads(threads)).expect("a model");
            let told = format!("{equality:?}, {threads} threads");
            assert_eq!(
                (packed.node_count(), packed.edge_count(), packed.depth(), packed.stop()),
                (plain.node_count(), plain.edge_count(), plain.depth(), plain.stop()),
                "{told}"
            );
            assert_eq!(packed.discoveries(), plain.discoveries(), "{told}");
            let last = plain.node_count() - 1;
            let (ours, theirs) = (packed.path_to(last), plain.path_to(last));
            assert!(ours.initial == theirs.initial && ours.steps == theirs.steps, "{told}");
        }
    }
}
