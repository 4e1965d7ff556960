//! A lease: who holds it may write, and nobody else may, until its term is over.
//!
//! This is the code that is checked, as one would ship it: it knows of no model and no test, and is told the time.

use std::error::Error;
use std::fmt;

/// A lease, which one client at a time may hold.
#[derive(Clone, Debug)]
pub struct Lease {
    term_ms: u64,
    held: Option<Held>,
}

#[derive(Clone, Copy, Debug)]
struct Held {
    client: u32,
    until_ms: u64,
}

impl Lease {
    /// A lease that nobody holds. `term_ms` is how long it is held unless it is renewed, in milliseconds.
    pub fn new(term_ms: u64) -> Self {
        Lease { term_ms, held: None }
    }

    /// Gives the lease to `client`, for a term from `now_ms` on.
    ///
    /// # Errors
    /// [`Refused::Taken`] while anybody holds it, `client` as well.
    pub fn acquire(&mut self, client: u32, now_ms: u64) -> Result<(), Refused> {
        match self.held_at(now_ms) {
            Some(held) => Err(Refused::Taken { for_ms: held.until_ms - now_ms }),
            None => {
                self.held = Some(Held { client, until_ms: now_ms.saturating_add(self.term_ms) });
                Ok(())
            }
        }
    }

    /// Lets `client` hold the lease for a term from `now_ms` on.
    ///
    /// # Errors
    /// [`Refused::NotHeld`] if `client` does not hold it, or no longer.
    pub fn renew(&mut self, client: u32, now_ms: u64) -> Result<(), Refused> {
        self.release(client, now_ms)?;
        self.acquire(client, now_ms)
    }

    /// Takes the lease from `client`, who needs it no longer.
    ///
    /// # Errors
    /// [`Refused::NotHeld`] if `client` does not hold it, or no longer.
    pub fn release(&mut self, client: u32, now_ms: u64) -> Result<(), Refused> {
        if self.holder(now_ms) != Some(client) {
            return Err(Refused::NotHeld);
        }
        self.held = None;
        Ok(())
    }

    /// Who holds the lease at `now_ms`.
    pub fn holder(&self, now_ms: u64) -> Option<u32> {
        self.held_at(now_ms).map(|held| held.client)
    }

    fn held_at(&self, now_ms: u64) -> Option<Held> {
        self.held.filter(|held| now_ms < held.until_ms)
    }
}

/// Why a client does not get what it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The lease is held.
    Taken {
        /// How much is left of the term, in milliseconds.
        for_ms: u64,
    },
    /// The client does not hold it.
    NotHeld,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Taken { for_ms } => write!(f, "the lease is held for {for_ms} ms more"),
            Refused::NotHeld => f.write_str("the lease is not held by who asks"),
        }
    }
}

impl Error for Refused {}
