//! What the outside sees of the model, and the words in which its traces are told.
//!
//! There are two ways to look at a ring. One stops each host before each of its primitives and lets one go on at a time
//! ([`Grain::Primitive`], [`Input::Step`]). The other lets the hosts run, and sees a whole lap as one call that may wait
//! ([`Grain::Operation`], [`Input::Lap`]).

use std::collections::BTreeMap;

use counterpart::model::Temporal;
use counterpart::{Interface, Spec};
use serde_json::{Value, json};

use super::geometry::Mask;
use super::model::{Action, Grain, Groups, HOSTS_MAX, Host, Ring, Scheme, State, Status};
use super::programme::{Directions, Op, Parts};
use super::properties::{
    self, ALL_PUBLISHED, BALANCED, BOUNDED, ENDS, FINAL, LEAD, MASK_OF_ORIGIN, ONCE, SCALED, TAGS, UNTORN,
};

/// How the model reads, and what is asked of its runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct RingSpec;

impl Spec for RingSpec {
    type Model = Ring;

    fn temporal(&self) -> Vec<Temporal<Ring>> {
        properties::temporal()
    }

    /// Hosts go on and channels move things, but for a straggler; nobody has to crash.
    fn must_progress(&self, model: &Ring, _: &State, action: &Action) -> bool {
        match action {
            Action::Step { host } => model.straggler != Some(*host),
            Action::Take { .. } | Action::Give { .. } | Action::SeeDisconnect { .. } => true,
            Action::Crash { .. } => false,
        }
    }

    fn parameters(&self, model: &Ring) -> BTreeMap<String, String> {
        let mut parameters = vec![
            ("hosts", model.hosts.to_string()),
            ("order", format!("{:?}", model.order)),
            ("channel capacity", model.capacity.to_string()),
            ("pass", format!("{:?}", model.pass)),
            ("mask", format!("{:?}", model.mask)),
            ("layout", format!("{:?}", model.layout)),
            ("variant", format!("{:?}", model.variant)),
        ];
        if model.mask != Mask::Full {
            parameters.push(("tokens of a block", model.tokens_per_host.to_string()));
        }
        if model.parts == Parts::Apart {
            parameters.push(("keys and values", "two messages".into()));
        }
        if model.channel_groups == Groups::ByParity {
            parameters.push(("channel groups", "two, by parity".into()));
        }
        if model.directions == Directions::Both {
            parameters.push(("directions", "both".into()));
        }
        if model.scheme == Scheme::AllGather {
            parameters.push(("scheme", "all-gather".into()));
        }
        if model.crashes_max > 0 {
            parameters.push(("crashes", format!("at most {}", model.crashes_max)));
        }
        if let Some(host) = model.straggler {
            parameters.push(("straggler", format!("host {host}")));
        }
        if model.grain == Grain::Primitive {
            parameters.push(("grain", "a primitive at a time".into()));
        }
        parameters.into_iter().map(|(name, value)| (name.to_string(), value)).collect()
    }

    fn actor(&self, action: &Action) -> String {
        match action {
            Action::Step { host } | Action::SeeDisconnect { host } | Action::Crash { host } => format!("host {host}"),
            Action::Take { host, .. } => format!("channel out of host {host}"),
            Action::Give { host, .. } => format!("channel into host {host}"),
        }
    }

    fn state_json(&self, model: &Ring, state: &State) -> Value {
        let hosts = (0..model.hosts).map(|host| host_json(model, state, host));
        let channels = (0..model.hosts).flat_map(|host| {
            model.directions().iter().filter_map(move |way| {
                let queue = &state.channels[usize::from(host)][*way as usize];
                let told: Vec<String> = queue
                    .messages()
                    .iter()
                    .map(|(block, part)| match model.parts {
                        Parts::Together => format!("block {}", block.origin),
                        Parts::Apart => format!("{part:?} of {}", block.origin).to_lowercase(),
                    })
                    .collect();
                let to = model.next(host, *way);
                (!queue.is_empty()).then(|| format!("{host} to {to}: {}", told.join(", ")))
            })
        });
        json!({ "hosts": hosts.collect::<Vec<_>>(), "channels": channels.collect::<Vec<_>>() })
    }

    fn because(&self) -> &[(&'static str, &'static str)] {
        BECAUSE
    }
}

/// The origins of the blocks at hand.
fn at_hand(model: &Ring, host: &Host) -> Vec<u8> {
    model.directions().iter().map(|way| host.resident[*way as usize].origin).collect()
}

/// A host in words.
fn host_json(model: &Ring, state: &State, number: u8) -> Value {
    let host = &state.hosts[usize::from(number)];
    let now = match host.status {
        Status::Running => match model.programme(number, host.step).get(usize::from(host.at)) {
            Some(Op::Post(..)) => "is about to send",
            Some(Op::AwaitTaken(_)) => "waits for the channel to take its block",
            Some(Op::Ask(..)) => "is about to receive",
            Some(Op::AwaitGiven(_)) => "waits for the next block",
            Some(Op::Begin(_)) => "is about to compute",
            Some(Op::End(_)) => "computes",
            Some(Op::Swap) => "is about to move on to the next block",
            Some(Op::Publish) => "is about to publish",
            None => "has nothing left to do",
        },
        Status::Published => "has published its output",
        Status::Disconnected => "has given up: a neighbour is gone",
        Status::Crashed => "has crashed",
    };
    let holds = at_hand(model, host);
    json!({
        "step": host.step,
        "now": now,
        "block of": holds,
        "computed with": blocks(host.computed),
        "blocks held": model.resident(state, number),
    })
}

/// Why each property comes to be violated, for a reader who knows only the story.
const BECAUSE: &[(&str, &str)] = &[
    (ENDS, "every host that is left waits for a neighbour that waits as well, and no message is under way"),
    (ALL_PUBLISHED, "no schedule brings all hosts to their end"),
    (
        BOUNDED,
        "the ring is there so that no host has to hold the whole sequence; here a host holds more than its share",
    ),
    (ONCE, "the same keys are counted twice, and weigh twice as much as they should"),
    (FINAL, "some keys are missing from the output, and nothing tells its reader"),
    (
        MASK_OF_ORIGIN,
        "the block at hand is not the one that the step is taken for: what is masked is another host's part",
    ),
    (TAGS, "the block that comes round is not the one that was to come, and its tag is the only one to say so"),
    (LEAD, "a fast host piles up blocks at a slow one"),
    (UNTORN, "half of the sum is of one block and half of another"),
    (
        BALANCED,
        "each document is spread evenly by itself, and what is left over falls to the same hosts every time; all \
                wait for the one with the most",
    ),
    (SCALED, "the sum is not the one that all pairs together have"),
];

fn blocks(set: u8) -> Vec<u8> {
    (0..HOSTS_MAX as u8).filter(|origin| set & 1 << origin != 0).collect()
}

/// What the outside sees.
#[derive(Clone, Copy, Debug, Default)]
pub struct RingInterface;

/// What is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// A host goes on to its next primitive.
    Step {
        /// 0-based.
        host: u8,
    },
    /// A host runs until it ends. May wait.
    Lap {
        /// 0-based.
        host: u8,
    },
    /// A host is gone.
    Crash {
        /// 0-based.
        host: u8,
    },
}

/// What comes of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Answer {
    /// Where the host stands then.
    pub standing: Standing,
    /// The origins of the blocks it has computed with, ascending.
    pub computed: Vec<u8>,
}

/// Where a host stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Before it sends, receives, computes or publishes.
    Before(Primitive),
    /// It waits for the channel to take its block.
    WaitsToSend,
    /// It waits for the next block.
    WaitsToReceive,
    /// It has published an output.
    Published(Tolerance),
    /// It has given up.
    Disconnected,
    /// It has crashed.
    Crashed,
}

/// What a host is stopped before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Primitive {
    /// It hands its block to the channel.
    Send,
    /// It takes a block from the channel.
    Receive,
    /// It computes with the block at hand.
    Compute,
    /// It shows its output.
    Publish,
}

/// How near an output is to attention computed at once, in double precision. Numbers differ between machines; this does
/// not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tolerance {
    /// As near as rounding lets it be.
    Within,
    /// Not.
    Beyond,
}

/// What can be read of a ring between two steps.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Seen {
    /// Each host.
    pub hosts: Vec<SeenHost>,
    /// Whether nobody can go on any more, though somebody waits: a deadlock.
    pub all_wait: bool,
}

/// What can be read of a host.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SeenHost {
    /// Where it stands.
    pub standing: Standing,
    /// The origins of the blocks at hand, of a host at work: one, or with both ways two.
    pub holds: Vec<u8>,
    /// The origins of the blocks it has computed with, ascending.
    pub computed: Vec<u8>,
    /// Blocks that it holds, those that wait in its channel counted; of a host at work.
    pub blocks: Option<u8>,
}

impl Seen {
    /// All hosts, and whether they all wait.
    pub fn of(hosts: Vec<SeenHost>) -> Self {
        let waits = |host: &SeenHost| matches!(host.standing, Standing::WaitsToSend | Standing::WaitsToReceive);
        let goes_on = |host: &SeenHost| matches!(host.standing, Standing::Before(_));
        Seen { all_wait: hosts.iter().any(waits) && !hosts.iter().any(goes_on), hosts }
    }
}

fn standing(model: &Ring, host: &Host, number: u8) -> Standing {
    match host.status {
        Status::Published if host.history.is_off() => Standing::Published(Tolerance::Beyond),
        Status::Published => Standing::Published(Tolerance::Within),
        Status::Disconnected => Standing::Disconnected,
        Status::Crashed => Standing::Crashed,
        Status::Running => match model.programme(number, host.step).get(usize::from(host.at)) {
            Some(Op::Post(..)) => Standing::Before(Primitive::Send),
            Some(Op::AwaitTaken(_)) => Standing::WaitsToSend,
            Some(Op::Ask(..)) => Standing::Before(Primitive::Receive),
            Some(Op::AwaitGiven(_)) => Standing::WaitsToReceive,
            Some(Op::Begin(_) | Op::End(_)) => Standing::Before(Primitive::Compute),
            Some(Op::Swap | Op::Publish) | None => Standing::Before(Primitive::Publish),
        },
    }
}

impl Interface for RingInterface {
    type Model = Ring;
    type Input = Input;
    type Output = Answer;
    type Snapshot = Seen;

    fn label(&self, model: &Ring, _: &State, action: &Action, to: Option<&State>) -> Option<(Input, Answer)> {
        let to = to?;
        let answer = |host: u8| {
            let own = &to.hosts[usize::from(host)];
            Answer { standing: standing(model, own, host), computed: blocks(own.computed) }
        };
        match (*action, model.grain) {
            (Action::Step { host }, Grain::Primitive) => Some((Input::Step { host }, answer(host))),
            (Action::Crash { host }, _) => Some((Input::Crash { host }, answer(host))),
            // A lap is one call; it is over when the host ends.
            (Action::Step { host } | Action::SeeDisconnect { host }, _) => {
                let over = to.hosts[usize::from(host)].status != Status::Running;
                over.then(|| (Input::Lap { host }, answer(host)))
            }
            (Action::Take { .. } | Action::Give { .. }, _) => None,
        }
    }

    fn may_wait(&self, input: &Input) -> bool {
        matches!(input, Input::Lap { .. })
    }

    fn snapshot(&self, model: &Ring, state: &State) -> Option<Seen> {
        if model.grain == Grain::Operation {
            return None;
        }
        let seen = |number: u8| {
            let host = &state.hosts[usize::from(number)];
            let running = host.status == Status::Running;
            SeenHost {
                standing: standing(model, host, number),
                holds: if running { at_hand(model, host) } else { Vec::new() },
                computed: blocks(host.computed),
                blocks: running.then(|| model.resident(state, number)),
            }
        };
        Some(Seen::of((0..model.hosts).map(seen).collect()))
    }
}
