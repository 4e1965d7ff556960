//! Exploring an actor system with fewer orders of what is independent: partial-order reduction by persistent sets.
//!
//! What two actors do commutes: each changes its own state, takes away messages that are its own, and adds to the
//! network. So in a state it is enough to take the steps of some actors, where none of the others can send these a
//! message before one of them moves. Who sends to whom, and which messages the history sees, is learned while exploring,
//! from what the actors do. Whoever was taken to be silent and is not is noticed in the reduced exploration too: what he
//! sends depends on his own state and on what happens to him alone, and of every run there is one explored that has the
//! same steps of each actor. Then all begins anew with what was learned, until nothing is learned any more.
//!
//! - **Timers and draws** are steps of their actor; that a message is lost is one of the actor it is for.
//! - **The history** is shared. Steps that it sees are never in a smaller set.
//! - **Crashes** are shared too, as there are so many at most: where they may happen nothing is left out.
//! - **No step is put off for ever**: of what a smaller set leads to one state at least was not expanded before. Such a
//!   state is expanded later, with all that was left out still to be done.
//!
//! A property sees what it was said to: no step that it sees is in a smaller set. This is asked of the states on both
//! sides of each such step.

use std::collections::BTreeSet;
use std::fmt;
use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use stateright::{Expectation, Model};

use super::network::Kind;
use super::{Actors, Doing, Event, History, Packed, System};
use crate::explore::shape::{Origin, Shape};
use crate::explore::{Budget, Discovery, ModelError, Path, Stop};

/// What was found with fewer orders of what is independent. Its paths are paths of the system, and not always shortest
/// ones.
pub struct ReducedSurvey<A: System, C, H: History> {
    system: Actors<A, C, H>,
    states: Vec<Packed>,
    origins: Vec<Origin>,
    reduced_count: usize,
    stop: Option<Stop>,
    discoveries: Vec<Discovery>,
}

impl<A: System, C, H: History> fmt::Debug for ReducedSurvey<A, C, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReducedSurvey")
            .field("states", &self.node_count())
            .field("reduced", &self.reduced_count)
            .field("discoveries", &self.discoveries)
            .finish_non_exhaustive()
    }
}

impl<A: System, C, H: History> ReducedSurvey<A, C, H> {
    /// How many states were reached: of those that the system has a part.
    pub fn node_count(&self) -> usize {
        self.states.len()
    }

    /// Of how many states some steps were left out.
    pub fn reduced_count(&self) -> usize {
        self.reduced_count
    }

    /// Why the exploration ended early, if it did.
    pub fn incomplete(&self) -> Option<String> {
        self.stop.as_ref().map(Stop::to_string)
    }

    /// The system's `always` and `sometimes` properties, in their order.
    pub fn discoveries(&self) -> &[Discovery] {
        &self.discoveries
    }
}

impl<A, C, H> ReducedSurvey<A, C, H>
where
    A: System,
    C: Send + Sync + 'static,
    H: History,
{
    /// The system explored.
    pub fn model(&self) -> &Actors<A, C, H> {
        &self.system
    }

    /// A path to `node`, not always a shortest one.
    ///
    /// # Panics
    /// If there is no such node.
    pub fn path_to(&self, node: usize) -> Path<Actors<A, C, H>> {
        let (mut at, mut steps) = (node, Vec::new());
        while self.origins[at].node != u32::MAX {
            let Origin { node: from, action } = self.origins[at];
            let mut actions = Vec::new();
            self.system.actions(&self.states[from as usize], &mut actions);
            steps.push((actions.swap_remove(action as usize), self.states[at].clone()));
            at = from as usize;
        }
        steps.reverse();
        Path { initial: self.states[at].clone(), steps }
    }
}

impl<A, C, H> Actors<A, C, H>
where
    A: System,
    C: Send + Sync + 'static,
    H: History,
{
    /// Says that `property` looks at the states of these actors alone, by their index. This is for
    /// [`survey_reduced`](Actors::survey_reduced), which panics where it finds out that it looks at more.
    ///
    /// # Panics
    /// If the model has no such property.
    #[must_use]
    pub fn over_actors(mut self, property: &str, actors: impl IntoIterator<Item = usize>) -> Self {
        self.over_actors.push((self.known(property), actors.into_iter().collect()));
        self
    }

    /// Explores the system as far as `budget` goes, for its `always` and `sometimes` properties, and leaves out orders of
    /// steps that are independent. On one thread; states are compared themselves. What is found is what is found of the
    /// whole system; the paths there are not always shortest.
    ///
    /// # Errors
    /// A property is an `eventually`, or it was not said what it looks at ([`over_history`](Actors::over_history),
    /// [`over_actors`](Actors::over_actors)); the system may have a boundary
    /// ([`without_boundary`](Actors::without_boundary)); its network delivers again what was delivered; or a checkpoint is
    /// asked for.
    ///
    /// # Panics
    /// If what was said of a property or of the boundary is not so.
    pub fn survey_reduced(self, budget: &Budget) -> Result<ReducedSurvey<A, C, H>, ModelError> {
        self.may_be_reduced(budget)?;
        let mut learned = Learned::new(self.model.actors.len());
        loop {
            let mut search = Search::new(&self, budget, learned);
            search.run()?;
            if !search.is_stale || search.stop.is_some() {
                let Search { states, origins, reduced_count, stop, found, .. } = search;
                let told = self.judged().zip(found);
                let discoveries = told.map(|((_, name, expectation), node)| Discovery { name, expectation, node });
                let discoveries = discoveries.collect();
                return Ok(ReducedSurvey { states, origins, reduced_count, stop, discoveries, system: self });
            }
            learned = search.learned;
        }
    }

    /// The property's own name.
    pub(super) fn known(&self, property: &str) -> &'static str {
        let known = self.model.properties.iter().find(|known| known.name == property);
        let names: Vec<&str> = self.model.properties.iter().map(|known| known.name).collect();
        known.unwrap_or_else(|| panic!("the model has no property {property:?}; it has {names:?}")).name
    }

    /// Why not, if it may not.
    fn may_be_reduced(&self, budget: &Budget) -> Result<(), ModelError> {
        let refused = |what: String| Err(ModelError::NotReduced { what });
        for property in &self.model.properties {
            let name = property.name;
            if property.expectation == Expectation::Eventually {
                return refused(format!("the property {name:?} is of whole runs"));
            }
            if !self.over_history.contains(&name) && !self.over_actors.iter().any(|(other, _)| *other == name) {
                return refused(format!("the property {name:?} may look at everything (over_history, over_actors)"));
            }
        }
        if self.has_boundary {
            return refused("the boundary may look at everything (without_boundary)".into());
        }
        if self.kind == Kind::Duplicating {
            return refused("a network that delivers again tells which message was delivered last".into());
        }
        if budget.checkpoint.is_some() {
            return refused("no checkpoint can be kept of it".into());
        }
        Ok(())
    }

    /// The properties that are judged: index, name and kind.
    fn judged(&self) -> impl Iterator<Item = (usize, &'static str, Expectation)> + '_ {
        let properties = self.model.properties.iter().enumerate();
        properties.map(|(index, property)| (index, property.name, property.expectation.clone()))
    }
}

/// What is known of the actors by what they did.
struct Learned {
    /// Actors, and one more that stands for all who are none.
    count: usize,
    /// Who sends to whom, row by row.
    sends: Vec<bool>,
    /// Messages that the history was seen to change with.
    seen: BTreeSet<u32>,
}

impl Learned {
    fn new(actors: usize) -> Self {
        Learned { count: actors + 1, sends: vec![false; (actors + 1) * (actors + 1)], seen: BTreeSet::new() }
    }

    /// Who has to be with `actor` in a set whose steps may go before all others: whoever can send to one of them while
    /// they wait. `moves`: who can move now.
    fn set_of(&self, actor: usize, moves: &[usize]) -> Vec<bool> {
        let sends = |from: usize, to: usize| self.sends[from * self.count + to];
        let all = 0..self.count;
        let mut set = vec![false; self.count];
        set[actor] = true;
        loop {
            let mut awake: Vec<bool> = all.clone().map(|other| !set[other] && moves[other] > 0).collect();
            while let Some(woken) = all.clone().find(|other| {
                !set[*other] && !awake[*other] && all.clone().any(|from| awake[from] && sends(from, *other))
            }) {
                awake[woken] = true;
            }
            let disturbs = |other: &usize| awake[*other] && all.clone().any(|own| set[own] && sends(*other, own));
            match all.clone().find(disturbs) {
                Some(other) => set[other] = true,
                None => return set,
            }
        }
    }
}

/// A step that can be taken.
struct Move {
    /// Whose it is.
    owner: usize,
    action: u32,
    next: Packed,
    /// Whether the history or a property may see it.
    is_seen: bool,
}

struct Search<'a, A: System, C, H: History> {
    system: &'a Actors<A, C, H>,
    budget: &'a Budget,
    learned: Learned,
    /// Actors that a property looks at.
    watched: BTreeSet<usize>,
    states: Vec<Packed>,
    origins: Vec<Origin>,
    known: HashTable<u32>,
    /// By property, the first node that shows something of it.
    found: Vec<Option<usize>>,
    reduced_count: usize,
    /// Whether something was learned after steps were left out.
    is_stale: bool,
    stop: Option<Stop>,
}

/// Nodes between two questions to [`Budget::interrupt`].
const ASKED_NODES: usize = 1 << 10;

impl<'a, A, C, H> Search<'a, A, C, H>
where
    A: System,
    C: Send + Sync + 'static,
    H: History,
{
    fn new(system: &'a Actors<A, C, H>, budget: &'a Budget, learned: Learned) -> Self {
        Search {
            system,
            budget,
            learned,
            watched: system.over_actors.iter().flat_map(|(_, actors)| actors.iter().copied()).collect(),
            states: Vec::new(),
            origins: Vec::new(),
            known: HashTable::new(),
            found: vec![None; system.model.properties.len()],
            reduced_count: 0,
            is_stale: false,
            stop: None,
        }
    }

    fn run(&mut self) -> Result<(), ModelError> {
        for (index, state) in self.system.init_states().into_iter().enumerate() {
            self.reach(state, Origin::initial(index));
        }
        if self.states.is_empty() {
            return Err(ModelError::NoInitialState);
        }
        let (mut depth, mut level_end, mut node) = (0, self.states.len(), 0);
        while node < self.states.len() && self.stop.is_none() {
            if node == level_end {
                (depth, level_end) = (depth + 1, self.states.len());
            }
            if node.is_multiple_of(ASKED_NODES) {
                self.stop = (self.budget.interrupt)();
            }
            if depth >= self.budget.depth_max {
                self.stop = Some(Stop::Depth(self.budget.depth_max));
            }
            if self.stop.is_none() {
                self.expand(node);
            }
            node += 1;
        }
        Ok(())
    }

    fn expand(&mut self, node: usize) {
        let state = self.states[node].clone();
        let moves = self.moves(&state);
        let mut counts = vec![0; self.learned.count];
        moves.iter().for_each(|step| counts[step.owner] += 1);
        let set = self.smaller_set(node, &moves, &counts);
        self.reduced_count += usize::from(set.is_some());
        for Move { owner, action, next, .. } in moves {
            match &set {
                Some(set) if !set[owner] => continue,
                Some(_) => self.unseen(&state, &next),
                None => {}
            }
            self.reach(next, Origin { node: node as u32, action });
        }
    }

    /// What can happen in `state`, and who is learned of by it.
    fn moves(&mut self, state: &Packed) -> Vec<Move> {
        let system = self.system;
        let mut actions = Vec::new();
        system.actions(state, &mut actions);
        let nobody = self.learned.count - 1;
        let receiver = |envelope: u32| usize::from(system.envelopes.get(envelope).dst).min(nobody);
        let mut moves = Vec::with_capacity(actions.len());
        for (action, step) in actions.into_iter().enumerate() {
            let (owner, is_seen) = match step.0 {
                Doing::Drop { envelope } => (receiver(envelope), false),
                Doing::Local { actor, event } => {
                    let Some(outcome) = system.outcome(state, actor, event) else { continue };
                    let owner = actor as usize;
                    let taken = match event {
                        Event::Deliver { envelope } => Some(envelope),
                        Event::Timeout { .. } | Event::Crash | Event::Recover | Event::Random { .. } => None,
                    };
                    for sent in &outcome.sent {
                        let link = &mut self.learned.sends[owner * self.learned.count + receiver(*sent)];
                        self.is_stale |= !std::mem::replace(link, true) && self.reduced_count > 0;
                    }
                    let mut about = taken.into_iter().chain(outcome.sent.iter().copied());
                    if outcome.history != state.0[0] {
                        for envelope in about.clone() {
                            self.is_stale |= self.learned.seen.insert(envelope) && self.reduced_count > 0;
                        }
                    }
                    let touches = about.any(|envelope| self.learned.seen.contains(&envelope));
                    let changes = state.0[2 + owner] != outcome.local && self.watched.contains(&owner);
                    (owner, touches || changes)
                }
            };
            if let Some(next) = system.next_state(state, step) {
                moves.push(Move { owner, action: action as u32, next, is_seen });
            }
        }
        moves
    }

    /// The actors whose steps are enough, where those of all are not needed: as few steps as may be.
    fn smaller_set(&self, node: usize, moves: &[Move], counts: &[usize]) -> Option<Vec<bool>> {
        if self.system.model.max_crashes > 0 {
            return None;
        }
        let steps = |set: &Vec<bool>| counts.iter().zip(set).filter(|(_, is_in)| **is_in).map(|(count, _)| count).sum();
        let movers = (0..counts.len()).filter(|actor| counts[*actor] > 0);
        let sets = movers.map(|actor| self.learned.set_of(actor, counts)).filter(|set| {
            let mut own = moves.iter().filter(|step| set[step.owner]);
            let is_smaller = steps(set) < moves.len();
            is_smaller && own.clone().all(|step| !step.is_seen) && own.any(|step| self.is_later(node, &step.next))
        });
        sets.min_by_key(|set| -> usize { steps(set) })
    }

    /// Whether a state is expanded after `node`.
    fn is_later(&self, node: usize, state: &Packed) -> bool {
        self.find(state).is_none_or(|other| other as usize > node)
    }

    fn find(&self, state: &Packed) -> Option<u32> {
        self.known.find(hash(state), |node| self.states[*node as usize] == *state).copied()
    }

    fn reach(&mut self, state: Packed, origin: Origin) {
        if self.find(&state).is_some() || self.stop.is_some() {
            return;
        }
        let node = self.states.len();
        let states_max = self.budget.states_max.min(Shape::NODES_MAX);
        if node >= states_max {
            self.stop = Some(Stop::States(states_max));
            return;
        }
        // Of some states it is asked whether there is none indeed.
        let _ = self.system.within_boundary(&state);
        for (index, _, expectation) in self.system.judged() {
            let shows = expectation == Expectation::Sometimes;
            if self.found[index].is_none() && self.system.is_met(index, &state) == shows {
                self.found[index] = Some(node);
            }
        }
        self.states.push(state);
        self.origins.push(origin);
        let states = &self.states;
        let by_number = |number: &u32| hash(&states[*number as usize]);
        self.known.insert_unique(by_number(&(node as u32)), node as u32, by_number);
    }

    /// That no property sees a step that goes before others.
    fn unseen(&self, from: &Packed, to: &Packed) {
        for (index, name, _) in self.system.judged() {
            let (before, after) = (self.system.is_met(index, from), self.system.is_met(index, to));
            assert_eq!(before, after, "the property {name:?} looks at more than it was said to");
        }
    }
}

fn hash(state: &Packed) -> u64 {
    FixedState::default().hash_one(state)
}
