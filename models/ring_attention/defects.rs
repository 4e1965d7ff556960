//! Defects: each as a model and as an implementation, for one reason; what our own hosts do with one of them, numbers and
//! all; and what goes wrong only between threads.

use std::hash::Hash;

use counterpart::check::Defect;
use counterpart::conform::interleave::Interleave;
use counterpart::conform::{Tour, Walk};
use counterpart::{Case, Counterpart};

use super::bindings::{Raced, Threads, laps_at_once};
use super::cases::{by_primitives, overlapped, packed};
use super::check;
use super::conformance::RingInterface;
use super::defective::{ForgetsToRescale, MasksByStep, OneBuffer, from_both_sides};
use super::geometry::{Layout, Mask};
use super::model::{Ring, Scheme, Variant};
use super::numbers::Ours;
use super::polled::Polled;
use super::programme::{Directions, Pass};
use super::properties::{BOUNDED, ENDS, FINAL, LEAD, MASK_OF_ORIGIN, ONCE, SCALED, TAGS, UNTORN};

/// The table of defects. The reasons are not told in traces, which have those of the properties.
fn defects() -> Vec<Defect<Ring>> {
    [of_sums(), of_buffers(), of_ends()].concat()
}

/// What is computed with what.
fn of_sums() -> Vec<Defect<Ring>> {
    let backward = Ring { pass: Pass::Backward, ..Ring::of(3) };
    vec![
        defect(
            Variant::MasksByStep,
            "it takes the mask from the number of the step instead of the origin of the block",
            Ring { mask: Mask::Causal, ..Ring::of(3) },
            &[MASK_OF_ORIGIN, SCALED],
        ),
        defect(
            Variant::CountsOppositeTwice,
            "with an even number of hosts the block from opposite is computed with from both sides",
            by_primitives(Ring { directions: Directions::Both, ..Ring::of(4) }),
            &[ONCE, SCALED],
        ),
        defect(
            Variant::ForgetsToRescale,
            "sums are not scaled down when a greater score comes",
            Ring::of(3),
            &[SCALED],
        ),
        defect(Variant::StopsOneHopShort, "gradients stop one hop before they are home", backward.clone(), &[FINAL]),
        defect(
            Variant::SendsBeforeAdding,
            "the gradient is sent on before this host's part is in it",
            backward,
            &[FINAL],
        ),
    ]
}

/// What is overwritten, or piles up.
fn of_buffers() -> Vec<Defect<Ring>> {
    vec![
        defect(
            Variant::OverwritesBeforeComputeEnds,
            "the next block is received over the one that is being computed with",
            overlapped(2),
            &[ONCE, FINAL, UNTORN, TAGS, SCALED],
        ),
        defect(
            Variant::OverwritesInFlight,
            "the next block is swapped in before the last one has left",
            overlapped(2),
            &[ONCE, FINAL, TAGS, SCALED],
        ),
        defect(
            Variant::IgnoresCapacity,
            "channels take more than they have room for",
            by_primitives(Ring::of(4)),
            &[BOUNDED, LEAD],
        ),
    ]
}

/// Who publishes, and who waits.
fn of_ends() -> Vec<Defect<Ring>> {
    let lost = Ring { crashes_max: 1, ..Ring::of(3) };
    vec![
        defect(Variant::WaitsForTheDead, "a host waits on for a neighbour that is gone", lost.clone(), &[ENDS]),
        defect(Variant::PublishesPartial, "a host publishes what it has when a neighbour is gone", lost, &[FINAL]),
        defect(Variant::PublishesEarly, "a host publishes one rotation before the last", Ring::of(3), &[FINAL]),
    ]
}

fn defect(variant: Variant, why: &'static str, shows_in: Ring, violates: &'static [&'static str]) -> Defect<Ring> {
    Defect::new(crate::snake(variant), why).as_a_model(shows_in.with(variant), violates)
}

/// Each as a model.
pub(super) fn as_models() -> Vec<Case> {
    Defect::cases("ring_attention", &defects(), check)
}

/// Each as an implementation beside the sound ring that it departs from, a primitive at a time.
pub(super) fn as_implementations() -> Vec<Case> {
    let of = |defect: &Defect<Ring>| {
        let (model, _) = defect.model.clone()?;
        let check = check(by_primitives(model.clone()).with(Variant::Sound)).alongside_only();
        let make = check.simulating(by_primitives(model));
        let name = defect.name.as_str();
        let check = check.defective(name, make).because(name, defect.why);
        Some(Case::new(format!("ring_attention/alongside_{name}"), check))
    };
    defects().iter().filter_map(of).collect()
}

/// Our own hosts with a defect, beside the sound ring that they depart from. Of the first three nothing shows but the
/// numbers.
pub(super) fn of_our_own() -> Vec<Case> {
    let causal = Ring { mask: Mask::Causal, ..Ring::of(3) };
    let both = Ring { directions: Directions::Both, ..Ring::of(4) };
    let kept = Ring { scheme: Scheme::AllGather, ..Ring::of(3) };
    vec![
        of_ours("masks_by_step", causal, Polled::<MasksByStep>::new),
        of_ours("forgets_to_rescale", Ring::of(3), Polled::<ForgetsToRescale>::new),
        of_ours("overwrites_before_compute_ends", overlapped(2), Polled::<OneBuffer>::new),
        of_ours("counts_opposite_twice", both, |model| Polled::<Ours>::by(model, from_both_sides)),
        of_ours("keeps_every_block", Ring::of(3), move |_| Polled::<Ours>::new(&kept)),
        of_ours("balances_each_document", packed(Layout::Packed), |_| {
            Polled::<Ours>::new(&packed(Layout::EachDocument))
        }),
    ]
}

fn of_ours<C>(name: &str, model: Ring, make: impl Fn(&Ring) -> C + Clone + Send + Sync + 'static) -> Case
where
    C: Counterpart<RingInterface> + Clone + Eq + Hash + Send + Sync + 'static,
{
    let why = match name {
        "keeps_every_block" => "it keeps every block that comes by, as an all-gather does",
        "balances_each_document" => {
            "it deals out each document by itself: outputs are right, but hosts need other blocks than they would, and \
             their work is not equal"
        }
        _ => defects().into_iter().find(|defect| defect.name == name).expect("a defect of the table").why,
    };
    let sound = by_primitives(model);
    let check = check(sound.clone()).alongside_only().defective(name, move || make(&sound)).because(name, why);
    Case::new(format!("ring_attention/ours_{name}"), check)
}

/// What the hosts of [`between_threads`] and [`stands_still`] do.
const NO_ROOM: &str = "its channels have no room for a block, and all hosts send first";

/// The hosts as they are, over channels that hold nothing: threads that stand still.
pub(super) fn stands_still() -> Case {
    let sound = by_primitives(Ring::of(3));
    let threads = || Threads::new(&without_room(&by_primitives(Ring::of(3))));
    let check = check(sound)
        .alongside_only()
        .subject("sends_first_into_no_room", Tour::new().of(threads))
        .subject("sends_first_into_no_room", Walk::new().runs(20).steps(20).of(threads))
        .diverges("sends_first_into_no_room")
        .because("sends_first_into_no_room", NO_ROOM);
    Case::new("ring_attention/defects_of_channels", check)
}

/// The same hosts, raced.
pub(super) fn between_threads() -> Case {
    let sound = Ring::of(3);
    let raced = Interleave::new(vec![laps_at_once(3)]);
    let check = check(sound.clone())
        .alongside_only()
        .subject("sends_first_into_no_room", raced.of(move || Raced::new(&without_room(&sound))))
        .diverges("sends_first_into_no_room")
        .because("sends_first_into_no_room", NO_ROOM);
    Case::new("ring_attention/defects_between_threads", check)
}

fn without_room(model: &Ring) -> Ring {
    Ring { capacity: 0, ..model.clone() }
}
