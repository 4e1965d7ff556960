//! Model *delivery*: a producer, a network that loses and reorders, a broker with a log, consumers whose leases run out, and
//! the store in which their work takes effect.
//!
//! What is delivered is delivered at least once. That an *effect* happens once is the work of four parties: the producer
//! numbers what it sends, the broker confirms what it has synced, the consumer acknowledges after the effect, and the store
//! of effects keeps the key of each effect together with it.
//!
//! Tokens rise for ever in a real broker. What can be told of them is whether a lease is the present one, and which of two
//! tokens of a key is the greater: so the model keeps their ranks.

use stateright::{Model, Property};

pub use super::deviations::Variant;
use super::properties;
pub use super::state::{
    Action, Breach, Budget, CONSUMERS_MAX, Consumer, EPOCHS, Entry, HELD_MAX, Hold, KEYS_MAX, LOG_MAX, MESSAGES_MAX,
    Phase, Presence, Producer, Seen, State, Status, Told,
};

/// The model and its bounds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Delivery {
    /// Key of each message, in the order in which they are sent; 0-based.
    pub message_keys: Vec<u8>,
    /// Consumers.
    pub consumers: u8,
    /// Most messages leased to one consumer.
    pub prefetch: u8,
    /// Deliveries after which a message is a dead letter; `None`: never.
    pub attempts_max: Option<u8>,
    /// Messages that nobody can work on; a set of bits.
    pub poison: u8,
    /// Whether many publishes are synced together, later; else each is synced as it arrives.
    pub group_commit: bool,
    /// Whether the store of effects refuses a token older than one that it has seen of the key.
    pub fenced: bool,
    /// Whether keys are forgotten in the end.
    pub window: bool,
    /// Whether a consumer lets go of what it has in hand when the broker's connection closes; else it works on.
    pub lets_go: bool,
    /// Whether consumers renew their leases.
    pub renews: bool,
    /// What may go wrong.
    pub budget: Budget,
    /// What is done otherwise than it should.
    pub variant: Variant,
}

impl Delivery {
    /// Two messages of one key, two consumers, one crash of the broker, one fault of a consumer, one retry: fewer mishaps
    /// than attempts.
    pub fn small() -> Self {
        Delivery {
            message_keys: vec![0, 0],
            consumers: 2,
            prefetch: 1,
            attempts_max: Some(3),
            poison: 0,
            group_commit: false,
            fenced: false,
            window: false,
            lets_go: true,
            renews: false,
            budget: Budget { crashes: 1, faults: 1, retries: 1, ..Budget::default() },
            variant: Variant::Sound,
        }
    }

    /// The same with a defect.
    #[must_use]
    pub fn with(self, variant: Variant) -> Self {
        Delivery { variant, ..self }
    }

    /// The messages.
    pub fn messages(&self) -> std::ops::Range<u8> {
        0..self.message_keys.len() as u8
    }

    /// The key of `message`.
    pub fn key(&self, message: u8) -> usize {
        self.message_keys[usize::from(message)].into()
    }

    /// Whether nobody can work on `message`.
    pub fn is_poison(&self, message: u8) -> bool {
        self.poison >> message & 1 == 1
    }
}

impl Model for Delivery {
    type State = State;
    type Action = Action;

    /// # Panics
    /// If the bounds are beyond what a state has room for.
    fn init_states(&self) -> Vec<State> {
        let (messages, budget) = (self.message_keys.len(), self.budget);
        let copies = messages * (1 + usize::from(budget.restarts)) + usize::from(budget.retries);
        let stores_copies = self.stores_every_copy() || budget.restarts > 0;
        assert!(messages <= MESSAGES_MAX && usize::from(self.consumers) <= CONSUMERS_MAX);
        assert!(!stores_copies || copies <= LOG_MAX, "the log has no room for {copies} copies");
        assert!(usize::from(budget.restarts) < EPOCHS && usize::from(self.prefetch) < HELD_MAX + 1);
        vec![State {
            producer: Producer::default(),
            publishes: Default::default(),
            confirms: 0,
            epoch: 0,
            expected: 0,
            log: [None; LOG_MAX],
            consumers: Default::default(),
            effects: Default::default(),
            keys: 0,
            fences: Default::default(),
            left: budget,
            seen: Seen::default(),
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        self.of_the_producer(state, actions);
        self.of_the_network(state, actions);
        self.of_the_broker(state, actions);
        for consumer in 0..self.consumers {
            self.of_a_consumer(state, consumer, actions);
        }
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let (after, _) = self.step(before, action);
        assert!(after.is_consistent(self), "{after:?}");
        (after != *before).then_some(after)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all(self)
    }
}
