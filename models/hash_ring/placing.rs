//! The placements as functions: a view and a key give an owner, the nodes that keep it, and what moves.

use super::model::{NODES_MAX, Placement, Policy, Slots, Variant, View};

/// The points of a node of some weight.
pub(super) fn points_of<'a>(model: &'a Placement, view: &View, node: u8, weight: u8) -> &'a [u8] {
    let (points, per_weight) = match &model.policy {
        Policy::Ring { points, points_per_weight } => (points, *points_per_weight),
        Policy::Bounded { points, .. } => (points, 1),
        Policy::Rendezvous { .. }
        | Policy::Jump { .. }
        | Policy::Maglev { .. }
        | Policy::Anchor { .. }
        | Policy::Modulo => return &[],
    };
    let own = &points[usize::from(node)];
    let count = usize::from(per_weight) * usize::from(weight);
    if model.is(Variant::SharesPoints) {
        let all: usize = view.nodes.iter().map(|(_, weight)| usize::from(*weight)).sum();
        return &own[..(count * view.nodes.len() / all.max(1)).min(own.len())];
    }
    if model.is(Variant::ReplacesPoints) && weight > 1 {
        return &own[own.len() - usize::from(per_weight)..];
    }
    &own[..count.min(own.len())]
}

/// The nodes that have a point at a position, first the one that counts there: the one with the least number.
fn standing(model: &Placement, view: &View, slots: &Slots, position: u8) -> impl Iterator<Item = u8> + use<> {
    let mut nodes = [None; NODES_MAX];
    if model.is(Variant::OverwritesPoint) {
        nodes[0] = slots.get(usize::from(position)).copied().flatten();
        return nodes.into_iter().flatten();
    }
    let there = view.nodes.iter().filter(|(node, weight)| points_of(model, view, *node, *weight).contains(&position));
    let mut count = 0;
    for (node, _) in there {
        nodes[count] = Some(*node);
        count += 1;
    }
    let settled = if model.is(Variant::TiesByOrder) { count.min(1) } else { 0 };
    nodes[settled..count].sort_unstable();
    nodes.into_iter().flatten()
}

/// All points that stand at a position or after it, clockwise, once around.
fn clockwise<'a>(model: &'a Placement, view: &'a View, slots: &'a Slots, from: u8) -> impl Iterator<Item = u8> + 'a {
    (0..model.positions).flat_map(move |step| standing(model, view, slots, (from + step) % model.positions))
}

/// Who owns a key.
pub(super) fn owner(model: &Placement, view: &View, slots: &Slots, key: u8) -> Option<u8> {
    let count = view.nodes.len();
    match &model.policy {
        Policy::Ring { .. } if model.is(Variant::TakesArcBehind) && count > 1 => {
            clockwise(model, view, slots, (key + 1) % model.positions).last()
        }
        Policy::Ring { .. } => clockwise(model, view, slots, key).next(),
        Policy::Bounded { percent, .. } => bounded(model, view, *percent).get(usize::from(key)).copied(),
        Policy::Rendezvous { scores } => {
            let score = |node: u8| scores[usize::from(node)][usize::from(key)];
            view.nodes
                .iter()
                .map(|(node, _)| *node)
                .max_by(|one, other| score(*one).cmp(&score(*other)).then(other.cmp(one)))
        }
        Policy::Jump { buckets, .. } => {
            let bucket = buckets.get(count.checked_sub(1)?)?[usize::from(key)];
            Some(view.nodes[usize::from(bucket)].0)
        }
        Policy::Maglev { entries } => maglev(view, *entries, key),
        Policy::Anchor { buckets, first, again } => anchor(view, slots, *buckets, (first, again), key),
        Policy::Modulo => Some(view.sorted().nodes.get(usize::from(key).checked_rem(count)?)?.0),
    }
}

/// A number below `count`, as evenly as the hash is.
fn drawn(hash: u64, count: usize) -> usize {
    ((u128::from(hash) * count as u128) >> u64::BITS) as usize
}

/// By its definition: who was left, in which order, each time that a bucket was emptied.
fn anchor(view: &View, slots: &Slots, buckets: u8, by: (&[u64], &[Vec<u64>]), key: u8) -> Option<u8> {
    let (key, (first, again)) = (usize::from(key), by);
    let mut left_after: Vec<Vec<u8>> = vec![Vec::new(); usize::from(buckets)];
    let mut left: Vec<u8> = (0..buckets).collect();
    for emptied in &view.emptied {
        left.swap_remove(left.iter().position(|bucket| bucket == emptied)?);
        left_after[usize::from(*emptied)] = left.clone();
    }
    let mut bucket = drawn(first[key], usize::from(buckets));
    while slots[bucket].is_none() {
        let left = &left_after[bucket];
        bucket = usize::from(*left.get(drawn(again[bucket][key], left.len()))?);
    }
    slots[bucket]
}

/// Keys that a node may have: ⌈c·m/n⌉.
pub(super) fn share(model: &Placement, percent: u8, nodes: usize) -> usize {
    (usize::from(percent) * usize::from(model.positions)).div_ceil(100 * nodes.max(1))
}

/// Keys in their order, each to the first node clockwise that has room.
fn bounded(model: &Placement, view: &View, percent: u8) -> Vec<u8> {
    let share = share(model, percent, view.nodes.len());
    let share = share + usize::from(model.is(Variant::ExceedsShare));
    let mut owners: Vec<u8> = Vec::new();
    let mut loads = [0; NODES_MAX];
    let slots = Slots::new();
    for key in 0..model.positions {
        let mut room = clockwise(model, view, &slots, key).filter(|node| loads[usize::from(*node)] < share);
        let skipped = model.is(Variant::SkipsRoom) && key + 1 == model.positions;
        if let Some(owner) = if skipped { room.last() } else { room.next() } {
            owners.push(owner);
            loads[usize::from(owner)] += 1;
        }
    }
    owners
}

/// Each node's permutation of the table is given by its number; the nodes take turns.
fn maglev(view: &View, entries: u8, key: u8) -> Option<u8> {
    let view = view.sorted();
    let size = usize::from(entries);
    let mut table: Vec<Option<u8>> = vec![None; size];
    let mut next = vec![0; view.nodes.len()];
    let mut filled = 0;
    while filled < size && !view.nodes.is_empty() {
        for (turn, (node, _)) in view.nodes.iter().enumerate() {
            let (offset, skip) = (usize::from(*node) * 5 + 3, 1 + usize::from(*node) * 3 % (size - 1));
            let free = (next[turn]..size).find(|step| table[(offset + step * skip) % size].is_none());
            let Some(step) = free else { continue };
            table[(offset + step * skip) % size] = Some(*node);
            next[turn] = step + 1;
            filled += 1;
        }
    }
    table[usize::from(key) % size]
}

/// Who keeps a key: distinct nodes clockwise, the owner first. `None`: there are fewer.
pub(super) fn preference(model: &Placement, view: &View, slots: &Slots, key: u8) -> Option<Vec<u8>> {
    let wanted = usize::from(model.replicas);
    let mut preferred: Vec<u8> = Vec::new();
    if model.is(Variant::ListsByNumber) {
        let owner = clockwise(model, view, slots, key).next();
        let others = view.sorted().nodes.into_iter().map(|(node, _)| node).filter(|node| Some(*node) != owner);
        preferred = owner.into_iter().chain(others).take(wanted).collect();
    }
    let mut clockwise = clockwise(model, view, slots, key);
    while preferred.len() < wanted
        && let Some(node) = clockwise.next()
    {
        if !preferred.contains(&node) || model.is(Variant::ListsPoints) {
            preferred.push(node);
        }
    }
    (wanted <= view.nodes.len()).then_some(preferred)
}

/// The same, each in a zone of its own. `None`: there are fewer zones.
pub(super) fn across_zones(model: &Placement, view: &View, slots: &Slots, key: u8) -> Option<Vec<u8>> {
    let zone = |node: u8| model.zones[usize::from(node)];
    let mut preferred: Vec<u8> = Vec::new();
    let mut clockwise = clockwise(model, view, slots, key);
    while preferred.len() < usize::from(model.replicas)
        && let Some(node) = clockwise.next()
    {
        let taken = if model.is(Variant::IgnoresZones) {
            preferred.contains(&node)
        } else {
            preferred.iter().any(|other| zone(*other) == zone(node))
        };
        if taken && model.is(Variant::StopsAtSameZone) && !preferred.contains(&node) {
            break;
        }
        if !taken {
            preferred.push(node);
        }
    }
    (preferred.len() == usize::from(model.replicas)).then_some(preferred)
}

/// A key that moves: its position, who has it, who will.
pub(super) type Move = (u8, u8, u8);

/// The plan, as the keys of its arcs: between two neighbouring points of either view the owners are the same.
pub(super) fn plan(model: &Placement, before: (&View, &Slots), now: (&View, &Slots)) -> Vec<Move> {
    let is_cut = |position: &u8| {
        [before, now].iter().any(|(view, slots)| standing(model, view, slots, *position).next().is_some())
    };
    let cuts: Vec<u8> = (0..model.positions).filter(is_cut).collect();
    let mut moves = Vec::new();
    for (index, through) in cuts.iter().enumerate() {
        let after = cuts[(index + cuts.len() - 1) % cuts.len()];
        let from = owner(model, before.0, before.1, *through);
        let to = owner(model, now.0, now.1, *through);
        let (Some(from), Some(to)) = (from, to) else { continue };
        if from == to || (model.is(Variant::PlanStopsAtZero) && after >= *through) {
            continue;
        }
        let mut position = after;
        loop {
            position = (position + 1) % model.positions;
            moves.push((position, from, to));
            if position == *through {
                break;
            }
        }
    }
    moves.sort_unstable();
    moves
}
