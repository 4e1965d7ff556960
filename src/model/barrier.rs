//! Barriers: how a binding proves that nothing was sent.
//!
//! After some inputs the right answer is none: a cancelled call, a value that was deleted, a queue that is empty. To
//! wait for a while proves nothing, and is slow. On a connection that answers in order a later request proves it: when
//! its answer is there, all that was to come before it has come.

use std::fmt;

/// A connection whose answers come in the order of its requests.
pub trait Ordered {
    /// What arrives.
    type Message;
    /// Why nothing can be sent or received any more.
    type Error;

    /// Sends a request that changes nothing and is answered with `number`: a ping.
    ///
    /// # Errors
    /// As the connection has them.
    fn ping(&mut self, number: u64) -> Result<(), Self::Error>;

    /// Waits for the next message.
    ///
    /// # Errors
    /// As the connection has them; one that is silent for too long is among them.
    fn receive(&mut self) -> Result<Self::Message, Self::Error>;

    /// The number that a message answers, if it answers a ping.
    fn pong(&self, message: &Self::Message) -> Option<u64>;
}

/// Why a barrier was not reached.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BarrierError<E: fmt::Display> {
    /// The connection failed.
    #[error("{0}")]
    Connection(E),
    /// The answer to another ping came first: answers do not come in order, and nothing is proved.
    #[error("ping {expected} was answered by {found}: the connection does not keep the order")]
    OutOfOrder {
        /// The ping that was sent.
        expected: u64,
        /// The number that came.
        found: u64,
    },
    /// Messages went on and on before the answer.
    #[error("more than {messages_max} messages came before the answer to the barrier")]
    TooMany {
        /// The most that are received.
        messages_max: usize,
    },
}

/// A connection with barriers.
///
/// ```
/// use counterpart::model::{Barriers, Ordered};
/// use std::collections::VecDeque;
///
/// /// A server in the same thread that echoes pings and answers `get` only where there is a value.
/// #[derive(Default)]
/// struct Server { value: Option<u8>, outbox: VecDeque<String> }
///
/// impl Server {
///     fn get(&mut self) {
///         self.outbox.extend(self.value.map(|value| format!("value {value}")));
///     }
/// }
///
/// impl Ordered for Server {
///     type Message = String;
///     type Error = String;
///     fn ping(&mut self, number: u64) -> Result<(), String> {
///         self.outbox.push_back(format!("pong {number}"));
///         Ok(())
///     }
///     fn receive(&mut self) -> Result<String, String> {
///         self.outbox.pop_front().ok_or_else(|| "nothing more will come".into())
///     }
///     fn pong(&self, message: &String) -> Option<u64> {
///         message.strip_prefix("pong ")?.parse().ok()
///     }
/// }
///
/// let mut server = Barriers::of(Server::default());
/// server.get();
/// assert_eq!(server.before_barrier(), Ok(vec![]));
/// server.value = Some(7);
/// server.get();
/// assert_eq!(server.before_barrier(), Ok(vec!["value 7".to_string()]));
/// ```
#[derive(Debug)]
pub struct Barriers<C> {
    connection: C,
    next: u64,
    messages_max: usize,
}

impl<C: Ordered<Error: fmt::Display>> Barriers<C> {
    /// Barriers over `connection`, on which no ping is under way.
    pub fn of(connection: C) -> Self {
        Barriers { connection, next: 0, messages_max: 10_000 }
    }

    /// The most messages that are received before a barrier. Default 10,000.
    #[must_use]
    pub fn messages_max(mut self, messages_max: usize) -> Self {
        self.messages_max = messages_max;
        self
    }

    /// Sends a ping and returns every message that comes before its answer: none, where nothing was sent.
    ///
    /// # Errors
    /// If the connection fails or does not keep the order, or if more messages come than [`Barriers::messages_max`].
    pub fn before_barrier(&mut self) -> Result<Vec<C::Message>, BarrierError<C::Error>> {
        let expected = self.next;
        self.next += 1;
        self.connection.ping(expected).map_err(BarrierError::Connection)?;
        let mut before = Vec::new();
        loop {
            let message = self.connection.receive().map_err(BarrierError::Connection)?;
            match self.connection.pong(&message) {
                Some(found) if found == expected => return Ok(before),
                Some(found) => return Err(BarrierError::OutOfOrder { expected, found }),
                None if before.len() == self.messages_max => {
                    return Err(BarrierError::TooMany { messages_max: self.messages_max });
                }
                None => before.push(message),
            }
        }
    }
}

impl<C> std::ops::Deref for Barriers<C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.connection
    }
}

impl<C> std::ops::DerefMut for Barriers<C> {
    fn deref_mut(&mut self) -> &mut C {
        &mut self.connection
    }
}
