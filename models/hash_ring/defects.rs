//! Defects of placements: each as a model and as an implementation, for one reason.

use counterpart::Case;
use counterpart::check::Defect;
use counterpart::conform::Walk;

use super::cases::anchored;
use super::check;
use super::model::{Placement, Policy, Variant};
use super::properties::*;

fn defect(
    variant: Variant,
    why: &'static str,
    model: Placement,
    violated: &'static [&'static str],
) -> Defect<Placement> {
    let model = model.with(variant);
    let of = if matches!(model.policy, Policy::Anchor { .. }) { "anchor" } else { "ring" };
    Defect::new(format!("{of}_{}", crate::snake(variant)), why)
        .as_a_model(model.clone(), violated)
        .as_an_implementation(model)
}

/// The table of defects of the ring.
fn of_rings() -> Vec<Defect<Placement>> {
    let light = || Placement { weight_max: 1, ..Placement::ring() };
    vec![
        defect(
            Variant::TiesByOrder,
            "where two nodes have a point in one place the one that came first counts",
            light(),
            &[ORDER, JOIN_TAKES_ITS_ARCS, CLOCKWISE, RESTORES],
        ),
        defect(
            Variant::OverwritesPoint,
            "a point that meets another takes its place, and when one of the two nodes leaves the other's point goes",
            light(),
            &[MONOTONE, JOIN_TAKES_ITS_ARCS, LEAVE_GIVES_ITS_KEYS, CLOCKWISE, LOAD, RESTORES],
        ),
        defect(
            Variant::ListsPoints,
            "the next points are taken for replicas, though two may be of one node",
            Placement::ring(),
            &[PREFERENCE, CLOCKWISE],
        ),
        defect(
            Variant::ListsByNumber,
            "replicas are the owner and then the nodes in the order of their numbers, not those that come next",
            light(),
            &[CLOCKWISE],
        ),
        defect(Variant::IgnoresZones, "the next nodes are taken for replicas, wherever they are", light(), &[ZONES]),
        defect(
            Variant::StopsAtSameZone,
            "where the next node clockwise is in the owner's zone it gives up, though one of another zone comes later",
            light(),
            &[ZONES],
        ),
        defect(Variant::PlanStopsAtZero, "the arc that goes over position 0 is left out of the plan", light(), &[PLAN]),
        defect(
            Variant::TakesArcBehind,
            "a key is owned by the point before it, and the arcs that a join takes lie behind its points",
            light(),
            &[JOIN_TAKES_ITS_ARCS, PREFERENCE, ZONES, PLAN],
        ),
        defect(
            Variant::ReplacesPoints,
            "a greater weight brings other points instead of more",
            Placement::ring(),
            &[MONOTONE, REWEIGHT_MOVES_ITS_OWN],
        ),
        defect(
            Variant::SharesPoints,
            "a node has points by its share of all weight: when another comes the points of all others change as well",
            Placement::ring(),
            &[MONOTONE, JOIN_TAKES_ITS_ARCS, LEAVE_GIVES_ITS_KEYS, REWEIGHT_MOVES_ITS_OWN, SPREAD, LOAD],
        ),
    ]
}

/// The table of defects of anchors.
fn of_anchors() -> Vec<Defect<Placement>> {
    vec![defect(
        Variant::FillsFirstBucket,
        "who comes takes the first bucket that is empty, though another was emptied after it: keys that were drawn anew \
         for that one are drawn among others now",
        anchored(5),
        &[MONOTONE, JOIN_TAKES_ITS_ARCS, RESTORES],
    )]
}

/// The table of defects of bounded loads.
fn of_bounds() -> Vec<Defect<Placement>> {
    vec![
        defect(
            Variant::SkipsRoom,
            "the last key goes to the last node with room, not to the first",
            bounded(),
            &[ROOM],
        ),
        defect(Variant::ExceedsShare, "it makes room for one key more than the share", bounded(), &[SHARE]),
    ]
}

/// One point a node, 125% of the mean.
pub(super) fn bounded() -> Placement {
    Placement::by(Policy::Bounded { points: vec![vec![1], vec![5], vec![7], vec![12]], percent: 125 })
}

/// What bounded loads violate without a defect: a key's place depends on the keys before it.
pub(super) const BY_DESIGN: &[&str] = &[MONOTONE, JOIN_TAKES_ITS_ARCS, LEAVE_GIVES_ITS_KEYS, SPREAD, LOAD];

/// Each as a model.
pub(super) fn as_models() -> Vec<Case> {
    let mut cases = Defect::cases("hash_ring", &[of_rings(), of_anchors()].concat(), check);
    cases.extend(Defect::cases("hash_ring", &of_bounds(), |model| check(model).violates_all(BY_DESIGN)));
    cases
}

/// Each as an implementation, against the sound model.
pub(super) fn as_implementations() -> Vec<Case> {
    let (rings, bounds) = (of_rings(), of_bounds());
    let ring = check(Placement::ring()).alongside_only();
    // Of weight 1 and 2 both: what only a change of weight shows is among them.
    let rings: Vec<Defect<Placement>> = rings
        .into_iter()
        .filter(|defect| !defect.name.contains("overwrites"))
        .map(|defect| {
            let of = defect.implementation.clone().map(|model| Placement { weight_max: 2, ..model });
            of.into_iter().fold(defect, |defect, model| defect.as_an_implementation(model))
        })
        .collect();
    let walking = ring.simulating(Placement::ring().with(Variant::TiesByOrder));
    let ring = ring
        .because_of(&rings)
        .defects(&rings)
        .subject("ring_ties_by_order", Walk::new().runs(200).steps(60).of(walking));
    let light = Placement { weight_max: 1, ..Placement::ring() };
    let overwriting: Vec<Defect<Placement>> =
        of_rings().into_iter().filter(|defect| defect.name.contains("overwrites")).collect();
    let overwriting = check(light).alongside_only().because_of(&overwriting).defects(&overwriting);
    let bounded = check(bounded()).alongside_only().because_of(&bounds).defects(&bounds);
    let anchors = of_anchors();
    let anchor = check(anchored(5)).alongside_only().because_of(&anchors).defects(&anchors);
    vec![
        Case::new("hash_ring/ring_defects", ring),
        Case::new("hash_ring/ring_defect_of_collisions", overwriting),
        Case::new("hash_ring/bounded_defects", bounded),
        Case::new("hash_ring/anchor_defects", anchor),
    ]
}
