//! The table of purges: what was measured on a prototype comes out of the model again.

use counterpart::verdict::Verdict;
use counterpart_models::cdn::check;
use counterpart_models::cdn::model::Purge;
use counterpart_models::cdn::properties::PURGED;
use libtest_mimic::Trial;

use crate::claim;

/// Guards, and the steps of the shortest counterexample to [`PURGED`]; none where it holds. Of the prototype.
const MEASURED: &[(&str, bool, bool, Option<usize>)] = &[
    ("naive", false, false, Some(11)),
    ("shield_first_alone", false, true, Some(11)),
    ("epochs_alone", true, false, Some(12)),
    ("epochs_and_shield_first", true, true, None),
];

pub(crate) fn trials() -> Vec<Trial> {
    let row = |(name, epochs, shield_first, steps): &(&str, bool, bool, Option<usize>)| {
        let model = Purge { epochs: *epochs, shield_first: *shield_first, updates_max: 3, ..Purge::small() };
        let steps = *steps;
        claim(format!("cdn::purge_table_{name}"), move || {
            let report = check(model).explore();
            let case = &report.cases[0];
            let found = case.properties.iter().find(|property| property.name == PURGED).expect("judged");
            let expected = if steps.is_some() { Verdict::Violated } else { Verdict::Holds };
            assert_eq!((found.verdict, found.steps.filter(|_| steps.is_some())), (expected, steps));
        })
    };
    MEASURED.iter().map(row).collect()
}
