//! A reader of logs, its types forgotten: which steps of a state an event may be the record of.
//!
//! Where the reader says which inputs an event can be of, and the interface which actions carry an input, no other is
//! looked at, and no state is kept that no event leads to.

use std::sync::Arc;

use stateright::Model;

use super::{Event, Labelled, LogReader};
use crate::conform::lts::{ASKED, Edge, Lts, Node, Outside, UNASKED};
use crate::conform::typed::{Action, Typed};
use crate::conform::words::Origin;
use crate::model::Interface;

/// A reader of logs, by number.
pub(super) trait Reads: Send + Sync {
    /// The initial states.
    fn start(&self) -> Vec<Node>;

    /// The inputs that an event can be a record of, where the reader lists them.
    fn inputs(&self, event: &Event) -> Option<Vec<u32>>;

    /// The steps of a state that an event may be the record of; it can be of `inputs` alone, where they are listed.
    fn explains(&self, event: &Event, inputs: Option<&[u32]>, node: Node) -> Vec<Edge>;

    /// Whether an event may be the record of somebody reading off the state.
    fn reads(&self, event: &Event, node: Node) -> bool;

    /// The steps of a state that may happen without a record.
    fn hidden(&self, node: Node) -> Vec<Edge>;
}

/// A reader, and the model that it reads logs of.
pub(super) struct Reading<F: Interface, W> {
    pub(super) typed: Arc<Typed<F>>,
    pub(super) lts: Arc<Lts>,
    pub(super) reader: Arc<W>,
}

impl<F: Interface, W: LogReader<F>> Reading<F, W> {
    /// The labelled steps of `node` that `wanted` holds of, of all that the model offers.
    fn among_all(&self, node: Node, wanted: &dyn Fn(&Edge, &Labelled<'_, F>) -> bool) -> Vec<Edge> {
        let (typed, model, from) = (&*self.typed, &*self.typed.model, self.typed.state_of(node));
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
        self.lts.edges(node).iter().filter(is_wanted).copied().collect()
    }

    /// The steps of `actions`, which were asked for, that `wanted` holds of.
    fn among(
        &self,
        node: Node,
        actions: &[Action<F>],
        mark: u32,
        wanted: &dyn Fn(Option<&Labelled<'_, F>>, bool) -> bool,
    ) -> Vec<Edge> {
        let (model, from) = (&*self.typed.model, self.typed.state_of(node));
        let edge = |(index, action): (u32, &Action<F>)| {
            self.typed.edge_of(node, action, mark | index, |label, to| {
                let labelled = label.map(|(input, output)| {
                    let (is_refused, to) = (to.is_none(), to.unwrap_or(from));
                    (is_refused, Labelled { model, from, action, input, output, to })
                });
                match labelled {
                    Some((is_refused, labelled)) => wanted(Some(&labelled), is_refused),
                    None => wanted(None, false),
                }
            })
        };
        (0..).zip(actions).filter_map(edge).collect()
    }
}

impl<F: Interface, W: LogReader<F>> Reads for Reading<F, W> {
    fn start(&self) -> Vec<Node> {
        let initial = self.typed.initial();
        // Where steps are listed by need, the internal ones are followed as any that nobody records.
        let by_need = initial.first().is_some_and(|node| self.typed.offers(*node, None).is_some());
        if by_need { initial } else { self.lts.initial() }
    }

    fn inputs(&self, event: &Event) -> Option<Vec<u32>> {
        let inputs = self.reader.inputs(event)?.into_iter();
        Some(inputs.map(|input| self.typed.inputs.number(input, &[], Origin::Log)).collect())
    }

    fn explains(&self, event: &Event, inputs: Option<&[u32]>, node: Node) -> Vec<Edge> {
        let Some(inputs) = inputs else {
            return self.among_all(node, &|_, labelled| self.reader.admits(event, labelled));
        };
        let mut edges = Vec::new();
        for input in inputs {
            let given = self.typed.inputs.at(*input);
            edges.extend(match self.typed.offers(node, Some(*input)) {
                Some(actions) => self.among(node, &actions, ASKED, &|labelled, _| {
                    labelled.is_some_and(|labelled| labelled.input == given && self.reader.admits(event, labelled))
                }),
                None => self.among_all(node, &|edge, labelled| {
                    edge.label.is_some_and(|label| label.input == *input) && self.reader.admits(event, labelled)
                }),
            });
        }
        edges
    }

    fn reads(&self, event: &Event, node: Node) -> bool {
        self.reader.reads(event, &self.typed.model, self.typed.state_of(node))
    }

    fn hidden(&self, node: Node) -> Vec<Edge> {
        if let Some(actions) = self.typed.offers(node, None) {
            return self.among(node, &actions, UNASKED, &|labelled, is_refused| {
                labelled.is_none_or(|labelled| !is_refused && self.reader.hidden(labelled))
            });
        }
        let mut edges = self.among_all(node, &|edge, labelled| !edge.refused && self.reader.hidden(labelled));
        edges.extend(self.lts.edges(node).iter().filter(|edge| edge.label.is_none()));
        edges.sort_by_key(|edge| edge.action);
        edges
    }
}
