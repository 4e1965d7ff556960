//! What is promised to those who wait for one request.

use counterpart::model::{FairKey, Temporal};
use stateright::Property;

use super::model::{Action, Breach, Client, Collapse, State};

/// What collapsing is for.
pub const ONE: &str = "nobody asks the origin for what is on its way already";
/// RFC 9111 §3: what is private or is not to be stored is for whoever asked.
pub const OWN: &str = "what is for one alone is given to nobody else";
/// Hit-for-miss.
pub const NO_QUEUE: &str = "nobody waits for another's request twice";
/// Liveness.
pub const ANSWERED: &str = "who waits is answered, or leaves";

/// What is assumed of runs.
pub(super) const ORIGIN_ANSWERS: &str = "the origin answers or is given up";

/// Safety.
pub(super) fn all() -> Vec<Property<Collapse>> {
    vec![
        Property::always(ONE, |_: &Collapse, state: &State| state.breach != Some(Breach::AskedAgain)),
        Property::always(OWN, |_, state: &State| state.breach != Some(Breach::GaveAway)),
        Property::always(NO_QUEUE, |_, state: &State| state.breach != Some(Breach::WaitedTwice)),
        Property::sometimes("something is stored", |_, state: &State| state.is_stored),
        Property::sometimes("an answer is for one alone", |_, state: &State| state.is_passed),
    ]
}

/// What is asked of whole runs.
pub(super) fn temporal() -> Vec<Temporal<Collapse>> {
    let waits = |_: &Collapse, state: &State| {
        state.clients.iter().any(|client| matches!(client, Client::Asks | Client::Waits { .. }))
    };
    vec![Temporal::leads_to(ANSWERED, waits, move |model, state| !waits(model, state)).under(ORIGIN_ANSWERS)]
}

/// What must not be put off for ever: that some answer comes to each request.
pub(super) fn fairness(action: &Action) -> Vec<FairKey> {
    match action {
        Action::Come { client, .. } => vec![FairKey::weak(ORIGIN_ANSWERS).of_each(client)],
        Action::Ask { .. } | Action::Leave { .. } => Vec::new(),
    }
}
