//! The standard library's bounded channel under the same laps: driven over every transition, and run freely.
//!
//! No other ring attention in Rust was found. What there is to put in the place of ours is the channel. With room for a
//! block it is driven by `try_send` and `try_recv`, and conforms wherever a host that sends has nothing to do until the
//! channel has its block. Where it has, and sends before it computes (`Order::Overlapped`), the two part: there is no
//! offering of a block that does not fit yet, so the host waits in `send`, and does not get to compute. Without room its
//! two ends find each other only if both wait in it, which a turnstile does not see: there it runs freely, and its log is
//! judged.

use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::task::Poll;

use counterpart::Case;
use counterpart::conform::Tour;
use counterpart::conform::events::{Events, Log, LogError};

use super::bindings::bare_laps;
use super::cases::by_primitives;
use super::check;
use super::conformance::Tolerance;
use super::implementation::{Gone, Landing, Plan, Port, Step, Tagged, Way};
use super::model::{Order, Ring};
use super::numbers::{Block, Ours};
use super::polled::{Medium, Polled};
use super::recorded::{RingReader, lap, recorded};

/// What it is called in reports.
const NAME: &str = "std::sync::mpsc::sync_channel";

/// Where the two part.
const NO_OFFER: &str = "a send into a full channel is one call that comes back when there is room: the host waits in it, \
                        and does not compute while its block is under way";

/// Hosts over the standard library's channels.
pub(super) fn cases() -> Vec<Case> {
    let case = |name: &str, check| Case::new(format!("ring_attention/{name}"), check);
    let driven = |model: &Ring| {
        let (sound, model) = (by_primitives(model.clone()), model.clone());
        let make = move || Polled::<Ours, StdChannels>::new(&model);
        check(sound).alongside_only().subject(NAME, Tour::new().of(make))
    };
    let send_first = Ring { crashes_max: 1, ..Ring::of(3) };
    let rendezvous = Ring { order: Order::OddEven, capacity: 0, ..Ring::of(3) };
    let overlapped = Ring { order: Order::Overlapped, ..Ring::of(3) };
    let run = rendezvous.clone();
    let free = check(rendezvous).alongside_only().subject(NAME, Events::new(RingReader).of(move || free_run(&run)));
    vec![
        case("channel_of_the_standard_library", free),
        case("channel_of_the_standard_library_send_first", driven(&send_first)),
        case("channel_of_the_standard_library_odd_even", driven(&Ring { order: Order::OddEven, ..send_first })),
        case("channel_of_the_standard_library_overlapped", driven(&overlapped).diverges(NAME).because(NAME, NO_OFFER)),
    ]
}

/// The standard library's channels between hosts that are asked to go on.
#[derive(Debug)]
pub struct StdChannels {
    plan: Plan,
    /// For each host what leads to it, a way after the other.
    lanes: Vec<Vec<Lane>>,
    at_hand: Vec<usize>,
}

#[derive(Debug)]
struct Lane {
    sender: Option<SyncSender<Tagged<Block>>>,
    receiver: Option<Receiver<Tagged<Block>>>,
    /// Sent and not received: the channel does not say.
    waiting: usize,
    landing: Landing,
    landed: Option<Tagged<Block>>,
}

/// One host's ends of [`StdChannels`].
#[derive(Debug)]
pub struct StdEnds<'a> {
    of: &'a mut StdChannels,
    host: usize,
}

impl Medium for StdChannels {
    type Ends<'a> = StdEnds<'a>;

    fn of(plan: &Plan, capacity: usize) -> Self {
        let lane = |_: &Way| {
            let (sender, receiver) = sync_channel(capacity);
            let (sender, receiver) = (Some(sender), Some(receiver));
            Lane { sender, receiver, waiting: 0, landing: Landing::InPlace, landed: None }
        };
        let lanes = (0..plan.hosts()).map(|_| plan.each_way().iter().map(lane).collect()).collect();
        StdChannels { plan: *plan, lanes, at_hand: vec![plan.at_hand(); plan.hosts()] }
    }

    fn ends(&mut self, host: usize) -> StdEnds<'_> {
        StdEnds { of: self, host }
    }

    fn sever(&mut self, host: usize) {
        for way in self.plan.each_way() {
            self.lanes[self.plan.neighbour(host, *way)][way.index()].sender = None;
        }
        self.lanes[host].iter_mut().for_each(|lane| lane.receiver = None);
    }

    fn held(&self, host: usize) -> usize {
        let of_lane = |lane: &Lane| lane.waiting + usize::from(lane.landed.is_some() && lane.landing == Landing::Spare);
        self.at_hand[host] + self.lanes[host].iter().map(of_lane).sum::<usize>()
    }

    fn landed(&self, host: usize, way: Way) -> Option<Block> {
        self.lanes[host][way.index()].landed.as_ref().map(|(_, block)| block.clone())
    }
}

impl Port<Tagged<Block>> for StdEnds<'_> {
    fn post(&mut self, way: Way, block: &mut Option<Tagged<Block>>) -> Poll<Result<(), Gone>> {
        let lane = &mut self.of.lanes[self.of.plan.neighbour(self.host, way)][way.index()];
        let (Some(sender), Some(sent)) = (&lane.sender, block.take()) else { return Poll::Ready(Err(Gone)) };
        match sender.try_send(sent) {
            Ok(()) => {
                lane.waiting += 1;
                Poll::Ready(Ok(()))
            }
            Err(TrySendError::Full(back)) => {
                *block = Some(back);
                Poll::Pending
            }
            Err(TrySendError::Disconnected(_)) => Poll::Ready(Err(Gone)),
        }
    }

    /// It was when the call came back.
    fn taken(&mut self, _: Way) -> Poll<Result<(), Gone>> {
        Poll::Ready(Ok(()))
    }

    fn ask(&mut self, way: Way, landing: Landing) {
        self.of.lanes[self.host][way.index()].landing = landing;
    }

    fn given(&mut self, way: Way) -> Poll<Result<(), Gone>> {
        let lane = &mut self.of.lanes[self.host][way.index()];
        if lane.landed.is_some() {
            return Poll::Ready(Ok(()));
        }
        match lane.receiver.as_ref().map(Receiver::try_recv) {
            Some(Ok(block)) => {
                lane.landed = Some(block);
                lane.waiting -= 1;
                Poll::Ready(Ok(()))
            }
            Some(Err(TryRecvError::Empty)) => Poll::Pending,
            Some(Err(TryRecvError::Disconnected)) | None => Poll::Ready(Err(Gone)),
        }
    }

    fn take(&mut self, way: Way, keeps: bool) -> Option<Tagged<Block>> {
        let landed = self.of.lanes[self.host][way.index()].landed.take();
        self.of.at_hand[self.host] += usize::from(keeps && landed.is_some());
        landed
    }
}

/// The two ends that a thread has, in which it waits.
struct Waiting {
    to: SyncSender<Tagged<()>>,
    from: Receiver<Tagged<()>>,
    landed: Option<Tagged<()>>,
}

impl Port<Tagged<()>> for Waiting {
    fn post(&mut self, _: Way, block: &mut Option<Tagged<()>>) -> Poll<Result<(), Gone>> {
        Poll::Ready(block.take().ok_or(Gone).and_then(|block| self.to.send(block).map_err(|_| Gone)))
    }

    fn taken(&mut self, _: Way) -> Poll<Result<(), Gone>> {
        Poll::Ready(Ok(()))
    }

    fn ask(&mut self, _: Way, _: Landing) {}

    fn given(&mut self, _: Way) -> Poll<Result<(), Gone>> {
        Poll::Ready(self.from.recv().map(|block| self.landed = Some(block)).map_err(|_| Gone))
    }

    fn take(&mut self, _: Way, _: bool) -> Option<Tagged<()>> {
        self.landed.take()
    }
}

fn free_run(model: &Ring) -> Result<Log, LogError> {
    let laps = bare_laps(model);
    let (senders, mut receivers): (Vec<_>, Vec<_>) =
        laps.iter().map(|_| sync_channel(usize::from(model.capacity))).unzip();
    receivers.rotate_right(1);
    let ends = senders.into_iter().zip(receivers);
    Ok(recorded(laps.into_iter().zip(ends).map(|(mut own, (to, from))| -> Box<dyn FnOnce() + Send> {
        Box::new(move || {
            let mut port = Waiting { to, from, landed: None };
            lap(own.rotation().host(), |computes| {
                loop {
                    match own.step(&mut port, |origin, ()| computes(origin)) {
                        Ok(Step::Did(_)) => {}
                        // These carry no numbers, and so none that could be off.
                        Ok(Step::Over) => return Some(Tolerance::Within),
                        Ok(Step::Waits(_)) | Err(_) => return None,
                    }
                }
            });
        })
    })))
}
