//! Defects of the model: each violates what it is about. As implementations they are the misuses of the crate
//! (`peers.rs`).

use counterpart::Case;
use counterpart::check::Defect;

use super::check;
use super::model::{ReplicatedLog, Variant};

/// The witness that these models lack: what they do wrong needs no link that is cut.
const NOBODY_CUT_OFF: &str = "two decide what the third, cut off, does not know";

fn defects() -> Vec<Defect<ReplicatedLog>> {
    let of = |name: &str, why, variant, violates| {
        let model = ReplicatedLog { cuts_max: 0, ..ReplicatedLog::small() }.with(variant);
        Defect::new(format!("replicated_log_{name}"), why).as_a_model(model, violates)
    };
    vec![
        of(
            "forks",
            "two nodes decide different entries in the same place",
            Variant::ForksLog,
            &["of any two decided logs one begins with the other"],
        ),
        of(
            "invents_values",
            "a value is decided that nobody appended",
            Variant::InventsValues,
            &["what is decided was appended"],
        ),
        of("decides_again", "a value is decided in two places", Variant::DecidesAgain, &["no value is decided twice"]),
        of(
            "forgets_on_restart",
            "a node that is restarted has decided nothing",
            Variant::ForgetsOnRestart,
            &["a node keeps what it has decided", "a restarted node reads its log again"],
        ),
    ]
}

/// Each defect as a model.
pub(super) fn as_models() -> Vec<Case> {
    Defect::cases("flp", &defects(), |model| check(model).violates(NOBODY_CUT_OFF))
}
