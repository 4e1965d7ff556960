//! What is on the network of an actor system, as a list of messages' numbers: in the messages' order, or where flows
//! keep theirs, flow after flow.

use std::collections::BTreeMap;
use std::hash::Hash;

use stateright::actor::{Envelope, Network};

use super::intern::Interner;
use super::parts::Parts;

/// Which of stateright's networks it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Each message once, delivered as often as may be; and the one that was delivered last.
    Duplicating,
    /// Each message as often as it was sent and not delivered.
    NonDuplicating,
    /// From an actor to another in the order of sending.
    Ordered,
}

/// Everything on the network, flows in their order; and what was delivered last.
pub(super) fn contents<M: Clone + Eq + Hash>(network: &Network<M>) -> (Vec<Envelope<M>>, Option<&Envelope<M>>) {
    match network {
        Network::UnorderedDuplicating(set, last) => (set.iter().cloned().collect(), last.as_ref()),
        Network::UnorderedNonDuplicating(counted) => {
            let each = counted.iter().flat_map(|(envelope, count)| std::iter::repeat_n(envelope, *count));
            (each.cloned().collect(), None)
        }
        Network::Ordered(flows) => {
            let of = |((src, dst), flow): (&(_, _), &std::collections::VecDeque<M>)| {
                flow.iter().map(|msg| Envelope { src: *src, dst: *dst, msg: msg.clone() }).collect::<Vec<_>>()
            };
            (flows.iter().flat_map(of).collect(), None)
        }
    }
}

impl Kind {
    pub(super) fn of<M: Eq + Hash>(network: &Network<M>) -> Self {
        match network {
            Network::UnorderedDuplicating(..) => Kind::Duplicating,
            Network::UnorderedNonDuplicating(_) => Kind::NonDuplicating,
            Network::Ordered(_) => Kind::Ordered,
        }
    }

    /// Whether a message is still there once it was delivered.
    pub(super) fn keeps_delivered(self) -> bool {
        self == Kind::Duplicating
    }

    /// A network with these messages, flows in their order.
    pub(super) fn network<'a, M: Clone + Eq + Hash + 'a>(
        self,
        envelopes: impl Iterator<Item = &'a Envelope<M>>,
        last: Option<&Envelope<M>>,
    ) -> Network<M> {
        let envelopes = envelopes.cloned();
        match self {
            Kind::Duplicating => Network::new_unordered_duplicating_with_last_msg(envelopes, last.cloned()),
            Kind::NonDuplicating => Network::new_unordered_nonduplicating(envelopes),
            Kind::Ordered => {
                Network::Ordered(envelopes.fold(BTreeMap::new(), |mut flows, Envelope { src, dst, msg }| {
                    flows.entry((src, dst)).or_insert_with(std::collections::VecDeque::new).push_back(msg);
                    flows
                }))
            }
        }
    }

    /// Puts a message on the network that begins at `head`.
    pub(super) fn insert<M: Ord + Hash + Send + Sync>(
        self,
        head: usize,
        parts: &mut Parts,
        envelope: u32,
        known: &Interner<Envelope<M>>,
    ) {
        let own = known.get(envelope);
        let network = &parts[head..];
        let at = match self {
            Kind::Ordered => network.partition_point(|on_it| {
                let on_it = known.get(*on_it);
                (on_it.src, on_it.dst) <= (own.src, own.dst)
            }),
            _ => network.partition_point(|on_it| *on_it != envelope && known.get(*on_it) < own),
        };
        if self == Kind::Duplicating && network.get(at) == Some(&envelope) {
            return;
        }
        parts.insert(head + at, envelope);
    }

    /// What can be delivered, each once, and to whom.
    pub(super) fn deliverable<'a, M: Hash + PartialEq + Send + Sync>(
        self,
        network: &'a [u32],
        known: &'a Interner<Envelope<M>>,
    ) -> impl Iterator<Item = (u32, usize)> + 'a {
        let flow = |envelope: u32| (known.get(envelope).src, known.get(envelope).dst);
        let mut before = None;
        network.iter().copied().filter_map(move |envelope| {
            let is_first = match before.replace(envelope) {
                None => true,
                Some(before) if self == Kind::Ordered => flow(before) != flow(envelope),
                Some(before) => before != envelope,
            };
            is_first.then(|| (envelope, usize::from(known.get(envelope).dst)))
        })
    }
}
