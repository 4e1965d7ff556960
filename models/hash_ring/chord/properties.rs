//! What is asked of a ring of members, state by state.
//!
//! A member's *best successor* is the first live one of its list. Members that reach themselves along best successors
//! are the ring; the others are appendages. The seven conditions and their names are of Zave's 2012 analysis.

use stateright::Property;

use super::model::{Chord, LIST_MAX, NODES_MAX, NONE, Peer, Rules, State, between};

/// Some member reaches itself.
pub const AT_LEAST_ONE_RING: &str = "there is a ring (AtLeastOneRing)";
/// Members of rings reach each other.
pub const AT_MOST_ONE_RING: &str = "there is no second ring (AtMostOneRing)";
/// The ring goes once around.
pub const ORDERED_RING: &str = "the ring is in the order of identifiers (OrderedRing)";
/// The others reach it.
pub const CONNECTED_APPENDAGES: &str = "every member reaches the ring (ConnectedAppendages)";
/// And in order.
pub const ORDERED_APPENDAGES: &str = "appendages are in the order of identifiers (OrderedAppendages)";
/// Where they belong.
pub const ORDERED_MERGES: &str = "an appendage joins the ring at its place (OrderedMerges)";
/// No list skips what the list before it knows.
pub const VALID_LISTS: &str = "no list skips a member that the one before it has (ValidSuccessorList)";
/// Nobody loses the last.
pub const LIVE_SUCCESSOR: &str = "every member has a live successor";
/// Once around at most.
pub const SOUND_LISTS: &str = "every list is whole and in order, and names nobody twice";
/// Why the corrected rules are right.
pub const PRINCIPALS: &str = "more members than a list is long are skipped by nobody (principals)";
/// Everybody is there.
pub const ALL_AND_IDEAL: &str = "all identifiers are members and the ring is ideal";
/// It comes right.
pub const CAN_BE_IDEAL: &str = "some schedule makes the ring ideal again";
/// It comes right by itself.
pub const BECOMES_IDEAL: &str = "once nobody joins or fails the ring becomes ideal and stays so";

/// The first live entry of a list.
pub fn best_successor(state: &State, peer: &Peer) -> Option<u8> {
    peer.list.iter().copied().find(|entry| state.is_live(*entry))
}

/// Best successors by identifier, and who is in a ring.
struct Shape {
    next: [u8; NODES_MAX],
    in_ring: [bool; NODES_MAX],
}

impl Shape {
    fn of(state: &State) -> Self {
        let mut next = [NONE; NODES_MAX];
        for (node, peer) in state.members() {
            next[usize::from(node)] = best_successor(state, peer).unwrap_or(NONE);
        }
        let mut shape = Shape { next, in_ring: [false; NODES_MAX] };
        for (node, _) in state.members() {
            let in_ring = shape.from(node).any(|other| other == node);
            shape.in_ring[usize::from(node)] = in_ring;
        }
        shape
    }

    /// Those reached from a node, in order, without the node itself unless it is reached; at most once around.
    fn from(&self, node: u8) -> impl Iterator<Item = u8> {
        let step = |node: &u8| self.next.get(usize::from(*node)).copied().filter(|next| *next != NONE);
        std::iter::successors(step(&node), step).take(NODES_MAX)
    }

    fn rings(&self) -> impl Iterator<Item = u8> {
        (0..NODES_MAX as u8).filter(|node| self.in_ring[usize::from(*node)])
    }

    fn is_in_ring(&self, node: u8) -> bool {
        self.in_ring.get(usize::from(node)).copied().unwrap_or(false)
    }
}

fn at_least_one_ring(_: &Chord, state: &State) -> bool {
    Shape::of(state).rings().next().is_some()
}

fn at_most_one_ring(_: &Chord, state: &State) -> bool {
    let shape = Shape::of(state);
    shape.rings().all(|one| shape.rings().all(|other| shape.from(one).any(|reached| reached == other)))
}

/// Of three distinct members none lies between one and its successor. A member that is its own successor is no matter of
/// order: whoever else is in a ring is in a second one.
fn ordered_ring(_: &Chord, state: &State) -> bool {
    let shape = Shape::of(state);
    shape.rings().all(|node| {
        let next = shape.next[usize::from(node)];
        next == node || !shape.rings().any(|other| other != node && other != next && between(node, other, next))
    })
}

fn connected_appendages(_: &Chord, state: &State) -> bool {
    let shape = Shape::of(state);
    state.members().all(|(node, _)| shape.is_in_ring(node) || shape.from(node).any(|to| shape.is_in_ring(to)))
}

/// Along an appendage, up to where it meets the ring, nobody lies between a node and its successor.
fn ordered_appendages(_: &Chord, state: &State) -> bool {
    let shape = Shape::of(state);
    state.members().filter(|(node, _)| !shape.is_in_ring(*node)).all(|(first, _)| {
        let mut path = vec![first];
        for node in shape.from(first) {
            path.push(node);
            if shape.is_in_ring(node) {
                break;
            }
        }
        path.windows(2).all(|step| !path.iter().any(|other| !step.contains(other) && between(step[0], *other, step[1])))
    })
}

/// Where an appendage meets the ring it lies between that member and the one before it in the ring.
fn ordered_merges(_: &Chord, state: &State) -> bool {
    let shape = Shape::of(state);
    state.members().filter(|(node, _)| !shape.is_in_ring(*node)).all(|(last, _)| {
        let at = shape.next[usize::from(last)];
        let mut before = shape.rings().filter(|node| shape.next[usize::from(*node)] == at);
        !shape.is_in_ring(at) || before.all(|node| between(node, last, at))
    })
}

/// If the list of a ring member skips a live member, the member before it in the ring does not list that one.
fn valid_lists(_: &Chord, state: &State) -> bool {
    let shape = Shape::of(state);
    shape.rings().all(|before| {
        let node = shape.next[usize::from(before)];
        let (Some(list), Some(known)) = (list_of(state, node), list_of(state, before)) else { return true };
        !known.iter().any(|other| *other != node && state.is_live(*other) && skips(node, &list, *other))
    })
}

fn list_of(state: &State, node: u8) -> Option<[u8; LIST_MAX]> {
    state.peers.get(usize::from(node))?.map(|peer| peer.list)
}

/// Whether a node with this list passes over another: that one lies between two neighbours of it.
fn skips(node: u8, list: &[u8; LIST_MAX], other: u8) -> bool {
    let entries: Vec<u8> = std::iter::once(node).chain(list.iter().copied().filter(|entry| *entry != NONE)).collect();
    entries.windows(2).any(|pair| other != pair[0] && other != pair[1] && between(pair[0], other, pair[1]))
}

/// Members that no member's list skips.
pub(super) fn principals(_: &Chord, state: &State) -> usize {
    let skipped = |other: u8| state.members().any(|(node, peer)| skips(node, &peer.list, other));
    state.members().filter(|(node, _)| !skipped(*node)).count()
}

/// From a member along its list it is less than once around.
fn lists_are_sound(model: &Chord, state: &State) -> bool {
    let length = usize::from(model.list);
    let step = |from: u8, to: u8| match (to + model.nodes - from) % model.nodes {
        0 => model.nodes,
        step => step,
    };
    state.members().all(|(node, peer)| {
        let list = &peer.list[..length];
        let entries = || std::iter::once(node).chain(list.iter().copied());
        !list.contains(&NONE)
            && entries().zip(entries().skip(1)).map(|(from, to)| u32::from(step(from, to))).sum::<u32>()
                < u32::from(model.nodes)
    })
}

/// Everybody lists exactly those who follow, and knows who comes before.
pub fn is_ideal(model: &Chord, state: &State) -> bool {
    let members: Vec<u8> = state.members().map(|(node, _)| node).collect();
    let count = members.len();
    state.members().zip(0..).all(|((_, peer), at)| {
        let follows = |steps: usize| members[(at + steps) % count];
        peer.predecessor == follows(count - 1)
            && (0..usize::from(model.list)).all(|entry| peer.list[entry] == follows(entry + 1))
    })
}

pub(super) fn properties(model: &Chord) -> Vec<Property<Chord>> {
    let mut properties = vec![
        Property::always(AT_LEAST_ONE_RING, at_least_one_ring),
        Property::always(AT_MOST_ONE_RING, at_most_one_ring),
        Property::always(ORDERED_RING, ordered_ring),
        Property::always(CONNECTED_APPENDAGES, connected_appendages),
    ];
    match model.rules {
        Rules::Original | Rules::AdoptsTheLive => properties.extend([
            Property::always(ORDERED_APPENDAGES, ordered_appendages),
            Property::always(ORDERED_MERGES, ordered_merges),
            Property::always(VALID_LISTS, valid_lists),
        ]),
        Rules::Corrected => properties.extend([
            Property::always(LIVE_SUCCESSOR, |_, state: &State| {
                state.members().all(|(_, peer)| best_successor(state, peer).is_some())
            }),
            Property::always(SOUND_LISTS, lists_are_sound),
            Property::always(PRINCIPALS, |model: &Chord, state: &State| {
                principals(model, state) > usize::from(model.list)
            }),
        ]),
    }
    properties.push(Property::sometimes(
        "all identifiers are members and the ring is ideal",
        |model: &Chord, state: &State| state.members().count() == usize::from(model.nodes) && is_ideal(model, state),
    ));
    properties
}
