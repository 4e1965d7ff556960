//! A graph written down edge by edge, as a model, with what is promised of it.

use counterpart::model::{FairKey, Kind, Spec, Temporal};
use stateright::{Model, Property};

/// States are numbers, actions are indices into `edges`.
#[derive(Clone, Default)]
pub(super) struct Table {
    pub(super) inits: Vec<u8>,
    /// From and to; those listed from `refused_from` on are offered and refused.
    pub(super) edges: Vec<(u8, u8)>,
    pub(super) refused_from: usize,
    /// The largest state within the boundary.
    pub(super) bound: u8,
    /// An edge, and a key that it is under.
    pub(super) keys: Vec<(usize, FairKey)>,
    pub(super) unforced: Vec<usize>,
    pub(super) promises: Vec<Promise>,
    /// The goal of an `eventually` of the model's own.
    pub(super) own_goal: Option<Vec<u8>>,
}

/// What a [`Temporal`] is made of.
#[derive(Clone)]
pub(super) struct Promise {
    pub(super) kind: Kind,
    pub(super) trigger: Vec<u8>,
    pub(super) goal: Vec<u8>,
    pub(super) assumption: Option<&'static str>,
}

impl Table {
    pub(super) fn of(inits: &[u8], edges: &[(u8, u8)]) -> Self {
        let (inits, edges) = (inits.to_vec(), edges.to_vec());
        Table { inits, refused_from: edges.len(), edges, bound: u8::MAX, ..Table::default() }
    }

    pub(super) fn bound(self, bound: u8) -> Self {
        Table { bound, ..self }
    }

    pub(super) fn refused(mut self, edges: &[(u8, u8)]) -> Self {
        self.edges.extend(edges);
        self
    }

    pub(super) fn fair(mut self, edge: usize, key: FairKey) -> Self {
        self.keys.push((edge, key));
        self
    }

    pub(super) fn unforced(mut self, edge: usize) -> Self {
        self.unforced.push(edge);
        self
    }

    pub(super) fn promise(mut self, kind: Kind, trigger: &[u8], goal: &[u8], assumption: Option<&'static str>) -> Self {
        self.promises.push(Promise { kind, trigger: trigger.to_vec(), goal: goal.to_vec(), assumption });
        self
    }

    pub(super) fn own_eventually(self, goal: &[u8]) -> Self {
        Table { own_goal: Some(goal.to_vec()), ..self }
    }

    pub(super) fn promises(&self) -> Vec<Temporal<Table>> {
        self.promises.iter().map(Promise::temporal).collect()
    }

    pub(super) fn spec(&self) -> TableSpec {
        TableSpec(self.clone())
    }
}

impl Promise {
    fn temporal(&self) -> Temporal<Table> {
        let name = format!("{} {:?} {:?} {:?}", self.kind, self.trigger, self.goal, self.assumption);
        let (trigger, goal) = (self.trigger.clone(), self.goal.clone());
        let goal = move |_: &Table, state: &u8| goal.contains(state);
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

impl Model for Table {
    type State = u8;
    type Action = usize;

    fn init_states(&self) -> Vec<u8> {
        self.inits.clone()
    }

    fn actions(&self, state: &u8, actions: &mut Vec<usize>) {
        actions.extend((0..self.edges.len()).filter(|edge| self.edges[*edge].0 == *state));
    }

    fn next_state(&self, _: &u8, edge: usize) -> Option<u8> {
        (edge < self.refused_from).then(|| self.edges[edge].1)
    }

    fn within_boundary(&self, state: &u8) -> bool {
        *state <= self.bound
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let goal = |table: &Table, state: &u8| table.own_goal.as_ref().is_some_and(|goal| goal.contains(state));
        self.own_goal.iter().map(|_| Property::eventually("the goal", goal)).collect()
    }
}

/// What a [`Table`] says of itself.
pub(super) struct TableSpec(Table);

impl Spec for TableSpec {
    type Model = Table;

    fn temporal(&self) -> Vec<Temporal<Table>> {
        self.0.promises()
    }

    fn fairness(&self, _: &Table, _: &u8, action: &usize) -> Vec<FairKey> {
        self.0.keys.iter().filter(|(edge, _)| edge == action).map(|(_, key)| *key).collect()
    }

    fn must_progress(&self, _: &Table, _: &u8, action: &usize) -> bool {
        !self.0.unforced.contains(action)
    }
}
