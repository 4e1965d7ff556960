//! A reader of logs, its types forgotten: which steps of a state an event may be the record of.
//!
//! Where the reader says which inputs an event can be of, and the interface which actions carry an input, no other is
//! looked at, and no state is kept that no event leads to. Words are not numbered here, but those of steps that are told: a
//! log may have as many as lines.

use std::sync::Arc;

use stateright::Model;

use super::{Event, Labelled, LogReader};
use crate::conform::lts::{ASKED, Edge, Lts, Node, Outside, UNASKED};
use crate::conform::typed::{Action, Taken, Typed};
use crate::model::Interface;

/// A reader of logs.
pub(super) trait Reads: Send + Sync {
    /// What `events` mean. Each is known by its place among them.
    fn meant<'a>(&'a self, events: Vec<&'a Event>) -> Box<dyn Means + 'a>;
}

/// What events mean, by number.
pub(super) trait Means: Send + Sync {
    /// The initial states.
    fn start(&self) -> Vec<Node>;

    /// The key that all inputs have that an event can be a record of.
    fn key(&self, event: u32) -> Option<String>;

    /// Whether an event can be a record of what changes something.
    fn changes(&self, event: u32) -> bool;

    /// Where the steps of a state lead that an event may be the record of.
    fn explains(&self, event: u32, node: Node) -> Vec<Node>;

    /// Those steps, in the same order.
    fn steps(&self, event: u32, node: Node) -> Vec<Edge>;

    /// Whether an event may be the record of somebody reading off the state.
    fn reads(&self, event: u32, node: Node) -> bool;

    /// The steps of a state that may happen without a record.
    fn hidden(&self, node: Node) -> Vec<Edge>;
}

/// A reader, and the model that it reads logs of.
pub(super) struct Reading<F: Interface, W> {
    pub(super) typed: Arc<Typed<F>>,
    pub(super) lts: Arc<Lts>,
    pub(super) reader: Arc<W>,
}

impl<F: Interface, W: LogReader<F>> Reads for Reading<F, W> {
    fn meant<'a>(&'a self, events: Vec<&'a Event>) -> Box<dyn Means + 'a> {
        let inputs = events.iter().map(|event| self.reader.inputs(event)).collect();
        Box::new(Meant { reading: self, events, inputs })
    }
}

struct Meant<'a, F: Interface, W> {
    reading: &'a Reading<F, W>,
    events: Vec<&'a Event>,
    /// What each can be a record of, where the reader lists it.
    inputs: Vec<Option<Vec<F::Input>>>,
}

impl<F: Interface, W: LogReader<F>> Meant<'_, F, W> {
    /// The labelled steps of `node` that `wanted` holds of, of all that the model offers.
    fn among_all(&self, node: Node, wanted: &dyn Fn(&Edge, &Labelled<'_, F>) -> bool) -> Vec<Edge> {
        let Reading { typed, lts, .. } = self.reading;
        let (model, from) = (&*typed.model, typed.state_of(node));
        let mut actions = Vec::new();
        model.actions(from, &mut actions);
        let is_wanted = |edge: &&Edge| {
            edge.label.is_some_and(|label| {
                let labelled = Labelled {
                    model,
                    from,
                    action: &actions[edge.action as usize],
                    input: typed.inputs.at(label.input),
                    output: typed.outputs.at(label.output),
                    to: typed.state_of(edge.to),
                };
                wanted(edge, &labelled)
            })
        };
        lts.edges(node).iter().filter(is_wanted).copied().collect()
    }

    /// The steps of `actions`, which were asked for, that `wanted` holds of: each with its place among them.
    fn among<'b>(
        &'b self,
        node: Node,
        actions: &'b [Action<F>],
        wanted: &'b dyn Fn(Option<&Labelled<'_, F>>, bool) -> bool,
    ) -> impl Iterator<Item = (u32, Taken<F>)> + 'b {
        let typed = &*self.reading.typed;
        let (model, from) = (&*typed.model, typed.state_of(node));
        (0..).zip(actions).filter_map(move |(index, action)| {
            let taken = typed.taken(node, action)?;
            let is_refused = taken.to.is_none();
            let labelled = taken.label.as_ref().map(|(input, output)| Labelled {
                model,
                from,
                action,
                input,
                output,
                to: taken.to.as_ref().unwrap_or(from),
            });
            wanted(labelled.as_ref(), labelled.is_some() && is_refused).then_some((index, taken))
        })
    }

    /// The steps of a state that an event may be the record of, each made of one that was asked for or one that is listed.
    fn explained<R>(
        &self,
        event: u32,
        node: Node,
        asked: impl Fn(u32, Taken<F>) -> R,
        listed: impl Fn(Edge) -> R,
    ) -> Vec<R> {
        let Reading { typed, reader, .. } = self.reading;
        let (said, inputs) = (self.events[event as usize], &self.inputs[event as usize]);
        let Some(inputs) = inputs else {
            let edges = self.among_all(node, &|_, labelled| reader.admits(said, labelled));
            return edges.into_iter().map(listed).collect();
        };
        let mut steps = Vec::new();
        for given in inputs {
            let is_meant = |labelled: &Labelled<'_, F>| labelled.input == given && reader.admits(said, labelled);
            if let Some(actions) = typed.offers(node, Some(given)) {
                let is_wanted = |labelled: Option<&Labelled<'_, F>>, _| labelled.is_some_and(is_meant);
                steps.extend(self.among(node, &actions, &is_wanted).map(|(index, taken)| asked(index, taken)));
            } else {
                steps.extend(self.among_all(node, &|_, labelled| is_meant(labelled)).into_iter().map(&listed));
            }
        }
        steps
    }
}

impl<F: Interface, W: LogReader<F>> Means for Meant<'_, F, W> {
    fn start(&self) -> Vec<Node> {
        let Reading { typed, lts, .. } = self.reading;
        let initial = typed.initial();
        // Where steps are listed by need, the internal ones are followed as any that nobody records.
        let by_need = initial.first().is_some_and(|node| typed.offers(*node, None).is_some());
        if by_need { initial } else { lts.initial() }
    }

    fn key(&self, event: u32) -> Option<String> {
        let mut keys = self.inputs[event as usize].iter().flatten().map(|input| self.reading.typed.key_of(input));
        let first = keys.next()??;
        keys.all(|key| key.as_ref() == Some(&first)).then_some(first)
    }

    fn changes(&self, event: u32) -> bool {
        let inputs = self.inputs[event as usize].as_ref();
        inputs.is_none_or(|inputs| inputs.iter().any(|input| self.reading.typed.may_change(input)))
    }

    fn explains(&self, event: u32, node: Node) -> Vec<Node> {
        self.explained(event, node, |_, taken| self.reading.typed.leads_to(node, taken), |edge| edge.to)
    }

    fn steps(&self, event: u32, node: Node) -> Vec<Edge> {
        self.explained(event, node, |index, taken| self.reading.typed.edge_of(node, ASKED | index, taken), |edge| edge)
    }

    fn reads(&self, event: u32, node: Node) -> bool {
        let Reading { typed, reader, .. } = self.reading;
        reader.reads(self.events[event as usize], &typed.model, typed.state_of(node))
    }

    fn hidden(&self, node: Node) -> Vec<Edge> {
        let Reading { typed, lts, reader } = self.reading;
        if let Some(actions) = typed.offers(node, None) {
            let is_wanted = |labelled: Option<&Labelled<'_, F>>, is_refused: bool| {
                labelled.is_none_or(|labelled| !is_refused && reader.hidden(labelled))
            };
            let taken = self.among(node, &actions, &is_wanted);
            return taken.map(|(index, taken)| typed.edge_of(node, UNASKED | index, taken)).collect();
        }
        let mut edges = self.among_all(node, &|edge, labelled| !edge.refused && reader.hidden(labelled));
        edges.extend(lts.edges(node).iter().filter(|edge| edge.label.is_none()));
        edges.sort_by_key(|edge| edge.action);
        edges
    }
}
