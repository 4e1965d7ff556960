//! Models of which it is known by hand what there is to be told.

use stateright::{Model, Property};

/// Counts to 400 by ones and threes. An even count has the hash of the odd one that follows.
pub(super) struct Vague;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pair(u64);

impl std::hash::Hash for Pair {
    fn hash<H: std::hash::Hasher>(&self, hasher: &mut H) {
        (self.0 / 2).hash(hasher);
    }
}

impl Model for Vague {
    type State = Pair;
    type Action = u64;

    fn init_states(&self) -> Vec<Pair> {
        vec![Pair(0)]
    }

    fn actions(&self, state: &Pair, actions: &mut Vec<u64>) {
        actions.extend((state.0 < 400).then_some([1, 3]).into_iter().flatten());
    }

    fn next_state(&self, state: &Pair, more: u64) -> Option<Pair> {
        Some(Pair(state.0 + more))
    }
}

/// So many counters, each of which goes from 0 to 9; the state in which all are full is not to be.
#[derive(Clone)]
pub(super) struct Counters(pub(super) u32);

impl Model for Counters {
    /// What the counters say, as decimal digits.
    type State = u64;
    /// The value of the digit that grows.
    type Action = u64;

    fn init_states(&self) -> Vec<u64> {
        vec![0]
    }

    fn actions(&self, state: &u64, actions: &mut Vec<u64>) {
        let digits = (0..self.0).map(|nth| 10_u64.pow(nth));
        actions.extend(digits.filter(|digit| state / digit % 10 < 9));
    }

    fn next_state(&self, state: &u64, digit: u64) -> Option<u64> {
        Some(state + digit)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always("one counter is not full", |model, state| state + 1 != 10_u64.pow(model.0))]
    }
}

/// Counts to so many in two ways; each state bears a grain of salt, which its hash has from some count on and `==` has not.
#[derive(Clone)]
pub(super) struct Salted {
    pub(super) salt: u64,
    pub(super) from: u64,
}

#[derive(Clone, Debug)]
pub(super) struct Grain(u64, u64);

impl PartialEq for Grain {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl std::hash::Hash for Grain {
    fn hash<H: std::hash::Hasher>(&self, hasher: &mut H) {
        (self.0, self.1).hash(hasher);
    }
}

impl Model for Salted {
    type State = Grain;
    type Action = u64;

    fn init_states(&self) -> Vec<Grain> {
        vec![self.grain(0)]
    }

    fn actions(&self, state: &Grain, actions: &mut Vec<u64>) {
        actions.extend((state.0 < 2_000).then_some([1, 2, 3, 50]).into_iter().flatten());
    }

    fn next_state(&self, state: &Grain, more: u64) -> Option<Grain> {
        Some(self.grain(state.0 + more))
    }
}

impl Salted {
    fn grain(&self, count: u64) -> Grain {
        Grain(count, if count < self.from { 0 } else { self.salt })
    }
}

/// Counters of which one breaks at some state.
pub(super) struct Broken(pub(super) u64);

impl Model for Broken {
    type State = u64;
    type Action = u64;

    fn init_states(&self) -> Vec<u64> {
        vec![0]
    }

    fn actions(&self, state: &u64, actions: &mut Vec<u64>) {
        Counters(4).actions(state, actions);
    }

    fn next_state(&self, state: &u64, digit: u64) -> Option<u64> {
        assert_ne!(*state, self.0, "it breaks");
        Some(state + digit)
    }
}

/// A model that waits for ever at some state, after saying so.
#[cfg(unix)]
pub(super) struct Waits(pub(super) Option<u64>);

#[cfg(unix)]
impl Model for Waits {
    type State = u64;
    type Action = u64;

    fn init_states(&self) -> Vec<u64> {
        vec![0]
    }

    fn actions(&self, state: &u64, actions: &mut Vec<u64>) {
        Counters(4).actions(state, actions);
    }

    fn next_state(&self, state: &u64, digit: u64) -> Option<u64> {
        while self.0.is_some_and(|least| *state > least) {
            println!("it waits");
            std::thread::park();
        }
        Some(state + digit)
    }
}
