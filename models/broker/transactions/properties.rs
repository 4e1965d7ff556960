//! What is promised of transactions.

use stateright::Property;

use super::model::{State, Transactions};

/// Atomicity.
pub const WHOLE: &str = "a transaction is seen whole or not at all";

/// Safety.
pub(super) fn all() -> Vec<Property<Transactions>> {
    vec![
        Property::always(WHOLE, |model: &Transactions, state: &State| {
            state.visible.iter().all(|visible| *visible == 0 || *visible == model.records)
        }),
        Property::sometimes("every transaction is seen", |model: &Transactions, state: &State| {
            state.visible[..usize::from(model.transactions)].iter().all(|visible| *visible == model.records)
        }),
    ]
}
