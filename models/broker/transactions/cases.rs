//! The cases of this sub-model.

use counterpart::Case;

use super::check;
use super::model::{Transactions, Variant};
use super::properties::WHOLE;

/// The cases of this sub-model.
pub(crate) fn cases() -> Vec<Case> {
    let defect = |variant, why: &str| {
        let check = check(Transactions::small().with(variant)).violates(WHOLE).because(WHOLE, why);
        Case::new(format!("broker/{}", crate::snake(variant)), check)
    };
    vec![
        Case::new("broker/transactions", check(Transactions::small())),
        defect(
            Variant::AcceptsLateEnd,
            "the end was sent in an epoch that is over; it ends the transaction that is open now, of which a part is written",
        ),
        defect(
            Variant::KeepsEpoch,
            "the end was sent twice; the second one looks like that of the next transaction, of which a part is written",
        ),
        defect(
            Variant::KeepsAborted,
            "the producer has started anew and writes its transaction again, beside what it had written before",
        ),
    ]
}
