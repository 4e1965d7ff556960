//! The cases of the catalogue: the table of purges, stale content, faults, unsafe requests, each defect.

use std::sync::Arc;

use counterpart::conform::Walk;
use counterpart::explore::{Budget, explore};
use counterpart::{Case, Check};

use super::bindings::Bound;
use super::conformance::PurgeInterface;
use super::defects::{faulty, skewed, stale, timed, written};
use super::model::{Action, Purge, State};
use super::properties::*;
use super::{check, collapse, defects, latency, parts, reuse, storing};
use crate::{Generated, Protocol};

/// What the catalogue has of this protocol.
pub const PROTOCOL: Protocol = Protocol { name: "cdn", cases, generated, pictures: &[] };

fn generated() -> Vec<Generated> {
    vec![Generated::part("diagram", format!("```mermaid\n{}```\n", diagram()))]
}

/// What becomes of an edge, read off the explored model.
///
/// # Panics
/// If the model cannot be explored.
pub fn diagram() -> String {
    let graph = explore(Arc::new(Purge { edges: 1, ..Purge::small() }), &Budget::default())
        .expect("the sound model can be explored");
    let at = |state: &State| {
        let edge = &state.nodes[1];
        let holds = if edge.held.is_some() { "Holds" } else { "Empty" };
        let fills = match edge.fill {
            None => "",
            Some(fill) if fill.is_outdated => "_outdated_fill",
            Some(fill) if fill.read.is_some() => "_has_read",
            Some(_) => "_fills",
        };
        format!("{holds}{fills}")
    };
    counterpart::view::state_diagram(&graph, at, |action| {
        match action {
            Action::Request { .. } => "request",
            Action::Start => "shield starts",
            Action::Snapshot { node: 0 } => "shield reads",
            Action::Snapshot { .. } => "read",
            Action::Store { node: 0 } => "shield stores",
            Action::Store { .. } => "store",
            Action::Update => "update",
            Action::Deliver { node: 0 } | Action::DeliverUnheard { node: 0 } => "purge shield",
            Action::Deliver { .. } | Action::DeliverUnheard { .. } => "purge",
            Action::Lose { .. } => "lose",
            Action::Resend { .. } => "send again",
            Action::Restart { .. } => "restart",
            Action::Write => "write",
            Action::Apply => "apply",
            Action::Answer => "answer",
            Action::Tick => "tick",
        }
        .into()
    })
}

/// The cases of this protocol.
pub fn cases() -> Vec<Case> {
    let mut cases = sound();
    cases.extend(stories());
    cases.extend(defects::as_models());
    cases.extend(defects::as_implementations());
    cases.extend(storing::cases());
    cases.extend(reuse::cases());
    cases.extend(parts::cases());
    cases.extend(collapse::cases());
    cases.extend(latency::cases());
    #[cfg(feature = "peers")]
    cases.extend(super::peers::cases());
    cases
}

fn case(name: &str, check: Check<Purge, PurgeInterface>) -> Case {
    Case::new(format!("cdn/{name}"), check)
}

/// A check with our own nodes in every sequential mode.
fn with_ours(model: Purge) -> Check<Purge, PurgeInterface> {
    let larger = Purge { updates_max: 20, losses_max: 5, restarts_max: 5, ..model.clone() };
    check(model).sequential(larger, Walk::new().runs(100).steps(300), Bound::new, Bound::new)
}

fn sound() -> Vec<Case> {
    let both = Purge { updates_max: 2, ..Purge::small() };
    let large = Purge { updates_max: 3, ttl: Some(3), losses_max: 1, ..Purge::small() };
    vec![
        case("purge", with_ours(both)),
        case("purge_faults", with_ours(faulty())),
        case("purge_faults_two_edges", check(Purge { edges: 2, ..faulty() })),
        case("purge_timed", with_ours(timed())),
        case("purge_skewed", with_ours(skewed())),
        case("purge_two_edges_timed", check(Purge { updates_max: 2, ttl: Some(4), ..Purge::small() })),
        case("purge_stale", with_ours(stale())),
        case("purge_written", with_ours(written())),
        case("purge_large", check(large)).large(),
    ]
}

/// The table of guards, and what is told under a name of its own.
fn stories() -> Vec<Case> {
    let naive = Purge { updates_max: 2, epochs: false, shield_first: false, ..Purge::small() };
    let shield_first = Purge { shield_first: true, ..naive.clone() };
    let epochs = Purge { epochs: true, ..naive.clone() };
    vec![
        case(
            "stale_resurrection",
            check(naive).violates_all(&[PURGED, CLEAN]).because(
                PURGED,
                "a fill had read the old content before it changed; the purge found nothing to take away, was acknowledged, and \
                 the fill stored what it had read",
            ),
        ),
        case(
            "shield_first_alone",
            check(shield_first).violates_all(&[PURGED, CLEAN]).because(
                PURGED,
                "the order of the purge does not help: the fill of the edge had read the old content before either was purged",
            ),
        ),
        case(
            "shield_refill",
            check(epochs).violates_all(&[PURGED, CLEAN]).because(
                PURGED,
                "the edge was purged first and filled again from the shield, which was not purged yet: a new fill, in the new epoch, \
                 of old content",
            ),
        ),
    ]
}
