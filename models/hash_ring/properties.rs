//! What is asked of a placement: Karger's definitions over views, and what a service builds on them.

use std::collections::BTreeSet;

use stateright::{Model, Property};

use super::model::{Action, Placement, Policy, State, View};
use super::placing::{self, Move, across_zones, plan, preference, share};

/// Karger's: V₁ ⊆ V₂ and f_V₂(i) ∈ V₁ ⇒ f_V₁(i) = f_V₂(i).
pub const MONOTONE: &str = "a key that stays on an old node stays where it was (monotonicity)";
/// Set equality.
pub const JOIN_TAKES_ITS_ARCS: &str = "a join moves exactly the keys of its arcs, all to it";
/// Set equality.
pub const LEAVE_GIVES_ITS_KEYS: &str = "a leave moves exactly the keys that were its own";
/// Set inclusion, both ways.
pub const REWEIGHT_MOVES_ITS_OWN: &str = "a change of weight moves keys to the node, or from it, and no others";
/// The list of nodes is a set.
pub const ORDER: &str = "who owns a key does not depend on the order in which nodes came";
/// Replicas.
pub const PREFERENCE: &str = "the nodes that keep a key are distinct, and the owner is the first";
/// Replicas: whoever takes over when the owner goes has a copy.
pub const CLOCKWISE: &str = "the nodes that keep a key are the next ones clockwise";
/// Replicas.
pub const ZONES: &str = "replicas across zones lie in distinct zones, the owner's first";
/// Migrations.
pub const PLAN: &str = "the plan is exactly what changes owners";
/// Bounded loads.
pub const SHARE: &str = "no node has more than its share";
/// Bounded loads.
pub const ROOM: &str = "no key passes a node with room";
/// Karger's spread, where each client misses one node.
pub const SPREAD: &str = "clients that miss one node each look for a key on two nodes at most (spread)";
/// Karger's load, where each client misses one node: as a set, and so for each node its bound.
pub const LOAD: &str =
    "clients that miss one node each ask another for its own keys and for those of the missed one (load)";
/// Both ways.
pub const RESTORES: &str = "a node that leaves and comes back finds every key where it was";

fn owner_now(model: &Placement, state: &State, key: u8) -> Option<u8> {
    placing::owner(model, &state.now, &state.slots, key)
}

fn owner_before(model: &Placement, state: &State, key: u8) -> Option<u8> {
    placing::owner(model, &state.before, &state.slots_before, key)
}

fn keys(model: &Placement) -> std::ops::Range<u8> {
    0..model.positions
}

/// The node whose weight the last step changed, from what to what.
fn changed(model: &Placement, state: &State) -> Option<(u8, u8, u8)> {
    let of = |node: u8| (node, state.before.weight(node), state.now.weight(node));
    (0..model.nodes).map(of).find(|(_, before, now)| before != now)
}

/// What really moves: a key that has an owner in both views, and not the same.
pub(super) fn moved(model: &Placement, state: &State) -> Vec<Move> {
    let of = |key| Some((key, owner_before(model, state, key)?, owner_now(model, state, key)?));
    keys(model).filter_map(of).filter(|(_, from, to)| from != to).collect()
}

/// Between the last two views. That it is so of any two, one in the other, follows by steps.
fn is_monotone(model: &Placement, state: &State) -> bool {
    let Some((node, before, now)) = changed(model, state) else { return true };
    let grown = now > before;
    moved(model, state).iter().all(|(_, from, to)| if grown { *to == node } else { *from == node })
}

/// The keys from the point before each of a node's points, up to that point: what a join takes. Where another node's
/// point lies in the same place the lesser number counts.
fn arcs(model: &Placement, view: &View, node: u8) -> BTreeSet<u8> {
    let points: BTreeSet<(u8, u8)> = view
        .nodes
        .iter()
        .flat_map(|(other, weight)| placing::points_of(model, view, *other, *weight).iter().map(|at| (*at, *other)))
        .collect();
    let mut arcs = BTreeSet::new();
    for (position, owner) in &points {
        let is_first = !points.iter().any(|(at, other)| at == position && other < owner);
        if *owner == node && is_first {
            let mut key = *position;
            loop {
                arcs.insert(key);
                key = (key + model.positions - 1) % model.positions;
                if key == *position || points.iter().any(|(at, _)| *at == key) {
                    break;
                }
            }
        }
    }
    arcs
}

fn join_takes_its_arcs(model: &Placement, state: &State) -> bool {
    let Some((node, 0, _)) = changed(model, state) else { return true };
    let taken: BTreeSet<u8> = moved(model, state).iter().map(|(key, ..)| *key).collect();
    let all_to_it = moved(model, state).iter().all(|(_, _, to)| *to == node);
    let wanted: BTreeSet<u8> = match model.policy {
        Policy::Ring { .. } if state.before.nodes.is_empty() => BTreeSet::new(),
        Policy::Ring { .. } => arcs(model, &state.now, node),
        _ => taken.clone(),
    };
    all_to_it && taken == wanted
}

fn leave_gives_its_keys(model: &Placement, state: &State) -> bool {
    let Some((node, _, 0)) = changed(model, state) else { return true };
    if state.now.nodes.is_empty() {
        return true;
    }
    let given: BTreeSet<u8> = moved(model, state).iter().map(|(key, ..)| *key).collect();
    let owned = keys(model).filter(|key| owner_before(model, state, *key) == Some(node)).collect();
    given == owned
}

fn reweight_moves_its_own(model: &Placement, state: &State) -> bool {
    match changed(model, state) {
        Some((node, before, now)) if before > 0 && now > 0 => {
            moved(model, state).iter().all(|(_, from, to)| if now > before { *to == node } else { *from == node })
        }
        _ => true,
    }
}

fn order_is_nothing(model: &Placement, state: &State) -> bool {
    let sorted = state.now.sorted();
    keys(model).all(|key| owner_now(model, state, key) == placing::owner(model, &sorted, &state.slots, key))
}

fn are_distinct(nodes: &[u8]) -> bool {
    nodes.iter().collect::<BTreeSet<_>>().len() == nodes.len()
}

fn preference_is_of_nodes(model: &Placement, state: &State) -> bool {
    keys(model).all(|key| match preference(model, &state.now, &state.slots, key) {
        None => state.now.nodes.len() < usize::from(model.replicas),
        Some(nodes) => {
            are_distinct(&nodes)
                && nodes.len() == usize::from(model.replicas)
                && nodes.first().copied() == owner_now(model, state, key)
        }
    })
}

/// The nodes by how far their nearest points lie from a key, clockwise; of equals the lesser number is first.
fn nearest(model: &Placement, view: &View, key: u8) -> Vec<u8> {
    let distance = |node: u8, weight: u8| {
        let points = placing::points_of(model, view, node, weight).iter();
        points.map(|point| (point + model.positions - key) % model.positions).min()
    };
    let mut nodes: Vec<(u8, u8)> =
        view.nodes.iter().filter_map(|(node, weight)| Some((distance(*node, *weight)?, *node))).collect();
    nodes.sort_unstable();
    nodes.into_iter().map(|(_, node)| node).collect()
}

fn preference_is_clockwise(model: &Placement, state: &State) -> bool {
    keys(model).all(|key| {
        let kept_on = preference(model, &state.now, &state.slots, key);
        kept_on.is_none_or(|nodes| nearest(model, &state.now, key).starts_with(&nodes))
    })
}

/// None only if there are fewer zones.
fn replicas_are_apart(model: &Placement, state: &State) -> bool {
    let zone = |node: &u8| model.zones[usize::from(*node)];
    let there: BTreeSet<u8> = state.now.nodes.iter().map(|(node, _)| zone(node)).collect();
    keys(model).all(|key| match across_zones(model, &state.now, &state.slots, key) {
        None => there.len() < usize::from(model.replicas),
        Some(nodes) => {
            let zones: Vec<u8> = nodes.iter().map(zone).collect();
            are_distinct(&zones)
                && zones.len() == usize::from(model.replicas)
                && nodes.first().copied() == owner_now(model, state, key)
        }
    })
}

fn plan_is_the_difference(model: &Placement, state: &State) -> bool {
    plan(model, (&state.before, &state.slots_before), (&state.now, &state.slots)) == moved(model, state)
}

fn loads(model: &Placement, state: &State) -> Vec<(u8, usize)> {
    let load = |node| keys(model).filter(|key| owner_now(model, state, *key) == Some(node)).count();
    state.now.nodes.iter().map(|(node, _)| (*node, load(*node))).collect()
}

fn keeps_to_its_share(model: &Placement, state: &State) -> bool {
    let Policy::Bounded { percent, .. } = &model.policy else { return true };
    let share = share(model, *percent, state.now.nodes.len());
    loads(model, state).iter().all(|(_, load)| *load <= share)
}

/// When a key was placed, every node between it and its owner was full, of keys before it.
fn passes_no_room(model: &Placement, state: &State) -> bool {
    let Policy::Bounded { percent, points } = &model.policy else { return true };
    let share = share(model, *percent, state.now.nodes.len());
    keys(model).all(|key| {
        let Some(owner) = owner_now(model, state, key) else { return true };
        let distance =
            |node: u8| points[usize::from(node)].first().map(|point| (point + model.positions - key) % model.positions);
        let passed = state.now.nodes.iter().filter(|(node, _)| (distance(*node), *node) < (distance(owner), owner));
        passed.into_iter().all(|(node, _)| {
            (0..key).filter(|earlier| owner_now(model, state, *earlier) == Some(*node)).count() >= share
        })
    })
}

/// What is left of the configuration without one node, for each that may leave.
fn without_one(model: &Placement, state: &State) -> Vec<(u8, State)> {
    let without = |node: u8| Some((node, model.next_state(state, Action::Leave { node })?));
    let leaving = state.now.nodes.iter().map(|(node, _)| *node).filter(|node| model.may_leave(&state.now, *node));
    leaving.filter_map(without).collect()
}

fn spreads_little(model: &Placement, state: &State) -> bool {
    let views = without_one(model, state);
    keys(model).all(|key| {
        let asked: BTreeSet<u8> = views.iter().filter_map(|(_, view)| owner_now(model, view, key)).collect();
        asked.len() <= 2
    })
}

fn loads_little(model: &Placement, state: &State) -> bool {
    without_one(model, state).iter().all(|(missed, view)| {
        let is_its_own = |key| {
            let owner = owner_now(model, state, key);
            owner == Some(*missed) || owner == owner_now(model, view, key)
        };
        keys(model).all(is_its_own)
    })
}

fn restores(model: &Placement, state: &State) -> bool {
    without_one(model, state).iter().all(|(node, view)| {
        let (node, weight) = (*node, state.now.weight(*node));
        let back = model.next_state(view, Action::Join { node, weight });
        back.is_some_and(|back| keys(model).all(|key| owner_now(model, &back, key) == owner_now(model, state, key)))
    })
}

pub(super) fn properties(model: &Placement) -> Vec<Property<Placement>> {
    let mut properties = vec![
        Property::always(MONOTONE, is_monotone),
        Property::always(JOIN_TAKES_ITS_ARCS, join_takes_its_arcs),
        Property::always(LEAVE_GIVES_ITS_KEYS, leave_gives_its_keys),
        Property::always(SPREAD, spreads_little),
        Property::always(LOAD, loads_little),
        Property::always(RESTORES, restores),
    ];
    // Numbered buckets are numbered as nodes came.
    if !matches!(model.policy, Policy::Jump { .. } | Policy::Anchor { .. }) {
        properties.push(Property::always(ORDER, order_is_nothing));
    }
    match model.policy {
        Policy::Ring { .. } => properties.extend([
            Property::always(REWEIGHT_MOVES_ITS_OWN, reweight_moves_its_own),
            Property::always(PREFERENCE, preference_is_of_nodes),
            Property::always(CLOCKWISE, preference_is_clockwise),
            Property::always(ZONES, replicas_are_apart),
            Property::always(PLAN, plan_is_the_difference),
        ]),
        Policy::Bounded { .. } => {
            properties.extend([Property::always(SHARE, keeps_to_its_share), Property::always(ROOM, passes_no_room)])
        }
        Policy::Rendezvous { .. }
        | Policy::Jump { .. }
        | Policy::Maglev { .. }
        | Policy::Anchor { .. }
        | Policy::Modulo => {}
    }
    properties.push(Property::sometimes("a join moves some keys and leaves others", |model, state| {
        let count = moved(model, state).len();
        matches!(changed(model, state), Some((_, 0, _))) && count > 0 && count < usize::from(model.positions)
    }));
    properties
}
