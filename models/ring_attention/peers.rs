//! The standard library's bounded channel under the same rotation, run freely and judged by its log.
//!
//! No other ring attention in Rust was found. What there is to put in the place of ours is the channel: that of the
//! standard library holds as many messages, and with none its two ends meet, as ours do. A turnstile does not see who
//! waits in it, so it is not driven.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use counterpart::Case;
use counterpart::conform::events::{Events, Log, LogError};

use super::bindings::rotations;
use super::check;
use super::implementation::{Next, Rotation};
use super::model::{Order, Ring};
use super::recorded::{RingReader, lap, recorded};

/// Hosts over the standard library's channels.
pub(super) fn case() -> Case {
    let rendezvous = Ring { order: Order::OddEven, capacity: 0, ..Ring::of(3) };
    let run = rendezvous.clone();
    let check = check(rendezvous)
        .alongside_only()
        .subject("std::sync::mpsc::sync_channel", Events::new(RingReader).of(move || free_run(&run)));
    Case::new("ring_attention/channel_of_the_standard_library", check)
}

fn free_run(model: &Ring) -> Result<Log, LogError> {
    let (capacity, rotations) = rotations(model);
    let (senders, mut receivers): (Vec<_>, Vec<_>) = rotations.iter().map(|_| sync_channel(capacity)).unzip();
    receivers.rotate_right(1);
    let ends = senders.into_iter().zip(receivers);
    Ok(recorded(rotations.into_iter().zip(ends).map(|(rotation, (to, from))| -> Box<dyn FnOnce() + Send> {
        Box::new(move || {
            lap(rotation.host(), |computes| run(rotation, &to, &from, computes));
        })
    })))
}

/// A lap; whether it came to its end.
fn run(
    mut rotation: Rotation,
    to: &SyncSender<usize>,
    from: &Receiver<usize>,
    computes: &mut dyn FnMut(usize),
) -> bool {
    let (mut at_hand, mut spare) = (rotation.host(), None);
    while let Some(next) = rotation.next() {
        match next {
            Next::Send if to.send(at_hand).is_err() => return false,
            Next::Receive => match from.recv() {
                Ok(origin) => spare = Some(origin),
                Err(_) => return false,
            },
            Next::Compute => computes(at_hand),
            Next::Send | Next::Publish => {}
        }
        let before = rotation.origin();
        rotation.done();
        if rotation.origin() != before {
            at_hand = spare.take().unwrap_or(at_hand);
        }
    }
    true
}
