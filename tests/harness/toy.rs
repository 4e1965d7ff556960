//! One toy for all trials: a graph written down edge by edge, as a model, with what the outside sees of it and what is
//! promised of it. What a model is generic over is compiled once for each type, so that there is one.

use std::fmt;

use counterpart::Interface;
use counterpart::model::{Chance, FairKey, Kind, Spec, Temporal};
use stateright::{Model, Property};

/// A state. Its number says all there is to know of it.
pub(crate) type At = u16;

/// An input, by its name and perhaps a number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Word(pub(crate) &'static str, pub(crate) Option<u16>);

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.1 {
            None => f.write_str(self.0),
            Some(number) => write!(f, "{}({number})", self.0),
        }
    }
}

impl From<&'static str> for Word {
    fn from(name: &'static str) -> Self {
        Word(name, None)
    }
}

/// An answer. A number is a float, so that it can be wrong in the way of floats.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Say {
    Word(&'static str),
    Number(f32),
}

impl fmt::Debug for Say {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Say::Word(word) => f.write_str(word),
            Say::Number(number) => write!(f, "{number}"),
        }
    }
}

impl From<bool> for Say {
    fn from(truth: bool) -> Self {
        Say::Word(if truth { "true" } else { "false" })
    }
}

/// What was asked for was done, or was not.
pub(crate) const DONE: Say = Say::Word("Done");
pub(crate) const REFUSED: Say = Say::Word("Refused");

/// One action of one state.
#[derive(Clone, Debug)]
pub(crate) struct Edge {
    pub(crate) from: At,
    /// `None`: refused.
    pub(crate) to: Option<At>,
    /// How the action reads; one without a name reads as the number of its edge.
    pub(crate) name: Word,
    /// `None`: nobody sees it.
    pub(crate) label: Option<(Word, Say)>,
    pub(crate) keys: Vec<FairKey>,
    pub(crate) unforced: bool,
    /// Its distribution, among those of its state, and its weight.
    pub(crate) chance: Option<(usize, u64)>,
}

impl Edge {
    pub(crate) fn new(from: At, to: impl Into<Option<At>>, name: impl Into<Word>) -> Self {
        let (to, name) = (to.into(), name.into());
        Edge { from, to, name, label: None, keys: Vec::new(), unforced: false, chance: None }
    }

    /// The input is called as the action is.
    pub(crate) fn says(self, answer: impl Into<Say>) -> Self {
        let input = self.name;
        self.labelled(input, answer)
    }

    pub(crate) fn labelled(self, input: impl Into<Word>, answer: impl Into<Say>) -> Self {
        Edge { label: Some((input.into(), answer.into())), ..self }
    }
}

/// The action of an edge.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Take {
    pub(crate) edge: usize,
    pub(crate) name: Word,
}

impl fmt::Debug for Take {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name.0.is_empty() { self.edge.fmt(f) } else { self.name.fmt(f) }
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Toy {
    pub(crate) inits: Vec<At>,
    pub(crate) edges: Vec<Edge>,
    /// By state, its edges in order.
    pub(crate) by_state: Vec<Vec<usize>>,
    /// The largest state within the boundary.
    pub(crate) bound: Option<At>,
    pub(crate) promises: Vec<Promise>,
    /// The model's own properties.
    pub(crate) own: Option<fn() -> Vec<Property<Toy>>>,
    /// For properties that cannot carry it themselves.
    pub(crate) goal: Vec<At>,
}

/// What a [`Temporal`] is made of.
#[derive(Clone, Debug)]
pub(crate) struct Promise {
    pub(crate) kind: Kind,
    pub(crate) trigger: Vec<At>,
    pub(crate) goal: Vec<At>,
    pub(crate) assumption: Option<&'static str>,
}

impl Toy {
    /// Begins in state 0.
    pub(crate) fn new(edges: impl IntoIterator<Item = Edge>) -> Self {
        let mut toy = Toy { inits: vec![0], ..Toy::default() };
        for edge in edges {
            toy.push(edge);
        }
        toy
    }

    /// Of edges from one state to another that have no name and that nobody sees.
    pub(crate) fn of(inits: &[At], edges: &[(At, At)]) -> Self {
        let edges = edges.iter().map(|(from, to)| Edge::new(*from, *to, ""));
        Toy { inits: inits.to_vec(), ..Toy::new(edges) }
    }

    pub(crate) fn push(&mut self, edge: Edge) {
        let from = usize::from(edge.from);
        if self.by_state.len() <= from {
            self.by_state.resize(from + 1, Vec::new());
        }
        self.by_state[from].push(self.edges.len());
        self.edges.push(edge);
    }

    pub(crate) fn starting(self, inits: &[At]) -> Self {
        Toy { inits: inits.to_vec(), ..self }
    }

    pub(crate) fn bound(self, bound: impl Into<Option<At>>) -> Self {
        Toy { bound: bound.into(), ..self }
    }

    /// With properties of its own.
    pub(crate) fn own(self, own: fn() -> Vec<Property<Toy>>) -> Self {
        Toy { own: Some(own), ..self }
    }

    pub(crate) fn fair(mut self, edge: usize, key: FairKey) -> Self {
        self.edges[edge].keys.push(key);
        self
    }

    pub(crate) fn unforced(mut self, edge: usize) -> Self {
        self.edges[edge].unforced = true;
        self
    }

    pub(crate) fn promise(mut self, kind: Kind, trigger: &[At], goal: &[At], assumption: Option<&'static str>) -> Self {
        self.promises.push(Promise { kind, trigger: trigger.to_vec(), goal: goal.to_vec(), assumption });
        self
    }

    /// What it promises.
    pub(crate) fn spec(&self) -> ToySpec {
        let promises = self.promises.clone();
        ToySpec::new(move || promises.iter().map(Promise::temporal).collect())
    }
}

impl Promise {
    pub(crate) fn temporal(&self) -> Temporal<Toy> {
        let name = format!("{} {:?} {:?} {:?}", self.kind, self.trigger, self.goal, self.assumption);
        let (trigger, goal) = (self.trigger.clone(), self.goal.clone());
        let goal = move |_: &Toy, state: &At| goal.contains(state);
        let temporal = match self.kind {
            Kind::Eventually => Temporal::eventually(name, goal),
            Kind::LeadsTo => Temporal::leads_to(name, move |_, state| trigger.contains(state), goal),
            Kind::InfinitelyOften => Temporal::infinitely_often(name, goal),
            Kind::EventuallyAlways => Temporal::eventually_always(name, goal),
            Kind::Recoverable => Temporal::recoverable(name, goal),
            Kind::AlmostSurely => Temporal::almost_surely(name, goal),
            Kind::Always | Kind::Sometimes | Kind::Probability | Kind::Reward => {
                panic!("no {} is made of a table", self.kind)
            }
        };
        match self.assumption {
            Some(assumption) => temporal.under(assumption),
            None => temporal,
        }
    }
}

impl Model for Toy {
    type State = At;
    type Action = Take;

    fn init_states(&self) -> Vec<At> {
        self.inits.clone()
    }

    fn actions(&self, state: &At, actions: &mut Vec<Take>) {
        let edges = self.by_state.get(usize::from(*state)).into_iter().flatten();
        actions.extend(edges.map(|edge| Take { edge: *edge, name: self.edges[*edge].name }));
    }

    fn next_state(&self, _: &At, take: Take) -> Option<At> {
        self.edges[take.edge].to
    }

    fn within_boundary(&self, state: &At) -> bool {
        self.bound.is_none_or(|bound| *state <= bound)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        self.own.map(|own| own()).unwrap_or_default()
    }
}

/// What the outside sees of a [`Toy`].
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Face {
    /// States are shown.
    pub(crate) shows: bool,
    /// Nothing is seen at all.
    pub(crate) mute: bool,
    /// The input that may wait.
    pub(crate) waits: Option<&'static str>,
}

/// Labels, and nothing more.
pub(crate) const FACE: Face = Face { shows: false, mute: false, waits: None };

impl Interface for Face {
    type Model = Toy;
    type Input = Word;
    type Output = Say;
    type Snapshot = At;

    fn label(&self, toy: &Toy, _: &At, take: &Take, _: Option<&At>) -> Option<(Word, Say)> {
        toy.edges[take.edge].label.filter(|_| !self.mute)
    }

    fn may_wait(&self, input: &Word) -> bool {
        self.waits == Some(input.0)
    }

    fn snapshot(&self, _: &Toy, state: &At) -> Option<At> {
        self.shows.then_some(*state)
    }
}

/// What a [`Toy`] says of itself, and what is promised of it.
pub(crate) struct ToySpec(Box<dyn Fn() -> Vec<Temporal<Toy>> + Send + Sync>);

impl ToySpec {
    pub(crate) fn new(promises: impl Fn() -> Vec<Temporal<Toy>> + Send + Sync + 'static) -> Self {
        ToySpec(Box::new(promises))
    }
}

impl Spec for ToySpec {
    type Model = Toy;

    fn temporal(&self) -> Vec<Temporal<Toy>> {
        (self.0)()
    }

    fn fairness(&self, toy: &Toy, _: &At, take: &Take) -> Vec<FairKey> {
        toy.edges[take.edge].keys.clone()
    }

    fn chance(&self, toy: &Toy, _: &At, take: &Take) -> Option<Chance> {
        toy.edges[take.edge].chance.map(|(choice, weight)| Chance::of(choice, weight))
    }

    fn must_progress(&self, toy: &Toy, _: &At, take: &Take) -> bool {
        !toy.edges[take.edge].unforced
    }
}
