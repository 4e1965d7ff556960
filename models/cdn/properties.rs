//! What is promised of purges.

use counterpart::model::{FairKey, Temporal};
use stateright::Property;

use super::model::{Action, Breach, Node, Purge, SHIELD, State};

/// What a purge is for.
pub const PURGED: &str = "no edge serves what is older than the last acknowledged purge";
/// RFC 9111 §4.2.3, §4.2.4; RFC 5861 §3.
pub const IN_TIME: &str = "no edge serves what the origin said longer ago than its life and the window";
/// RFC 9111 §4.2.3.
pub const AGE: &str = "age never falls from tier to tier";
/// RFC 9111 §4.4.
pub const WRITTEN: &str = "no edge serves what is older than an unsafe request answered through it";
/// Liveness.
pub const EFFECTIVE: &str = "a purge is confirmed by all in the end";
/// Liveness.
pub const CLEAN: &str = "what is older than the purge is gone for good in the end";
/// Liveness.
pub const FILLED: &str = "a fill ends";

/// What is assumed for the purge.
pub(super) const ARRIVES: &str = "what is sent again and again arrives";
/// What is assumed for the fill.
pub(super) const TIME_PASSES: &str = "time passes";

fn no(breach: Breach) -> impl Fn(&State) -> bool {
    move |state| state.breach != Some(breach)
}

/// Those that make sense of `model`.
pub(super) fn all(model: &Purge) -> Vec<Property<Purge>> {
    let mut all = vec![Property::sometimes("an edge has a copy to serve", |_: &Purge, state: &State| {
        state.nodes[1].held.is_some()
    })];
    if model.updates_max > 0 {
        all.extend([
            Property::always(PURGED, |_: &Purge, state: &State| no(Breach::ServedPurged)(state)),
            Property::sometimes("a purge finds a fill in flight", |_, state: &State| {
                state.nodes.iter().any(|node| node.fill.is_some_and(|fill| fill.is_outdated && fill.read.is_some()))
            }),
        ]);
    }
    if model.ttl.is_some() {
        all.push(Property::always(IN_TIME, |_, state: &State| no(Breach::ServedExpired)(state)));
    }
    if model.is_skewed() {
        all.extend([
            Property::always(AGE, |_: &Purge, state: &State| no(Breach::AgeFell)(state)),
            Property::sometimes("a node takes a copy for older than it is", |_, state: &State| {
                state.nodes.iter().any(|node| node.held.is_some_and(|copy| copy.reckoned > copy.age))
            }),
        ]);
    }
    if model.window > 0 {
        all.push(Property::sometimes("an edge has stale content and asks anew", |model: &Purge, state: &State| {
            let asks = |node: &Node| node.held.is_some_and(|copy| !model.is_fresh(copy)) && node.fill.is_some();
            state.nodes[SHIELD + 1..].iter().any(asks)
        }));
    }
    if model.writes_max > 0 {
        all.push(Property::always(WRITTEN, |_, state: &State| no(Breach::ServedOverwritten)(state)));
    }
    all
}

/// What is asked of whole runs.
pub(super) fn temporal(purges: bool, times: bool) -> Vec<Temporal<Purge>> {
    let mut all = Vec::new();
    if purges {
        let under_way = |model: &Purge, state: &State| model.confirmed(state) < state.target;
        let is_clean = |_: &Purge, state: &State| {
            let is_old = |node: &Node| node.held.is_some_and(|copy| copy.version < state.target);
            !state.nodes[SHIELD + 1..].iter().any(is_old)
        };
        all.extend([
            Temporal::leads_to(EFFECTIVE, under_way, move |model, state| !under_way(model, state)).under(ARRIVES),
            Temporal::eventually_always(CLEAN, is_clean).under(ARRIVES),
        ]);
    }
    if times {
        let fills = |_: &Purge, state: &State| state.nodes[1].fill.is_some();
        all.push(Temporal::leads_to(FILLED, fills, move |model, state| !fills(model, state)).under(TIME_PASSES));
    }
    all
}

/// What must not be put off for ever.
pub(super) fn fairness(action: &Action) -> Vec<FairKey> {
    match action {
        Action::Tick => vec![FairKey::weak(TIME_PASSES)],
        Action::Deliver { node } => vec![FairKey::strong(ARRIVES).of_each(("deliver", node))],
        Action::Resend { node } => vec![FairKey::weak(ARRIVES).of_each(("resend", node))],
        _ => Vec::new(),
    }
}

/// Clients, operators and faults need not act.
pub(super) fn must_progress(action: &Action) -> bool {
    !matches!(
        action,
        Action::Request { .. }
            | Action::Update
            | Action::Write
            | Action::DeliverUnheard { .. }
            | Action::Lose { .. }
            | Action::Restart { .. }
    )
}
