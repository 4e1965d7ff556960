//! A member of the ring by the corrected rules: a state machine that is told what others answered, and says whom to ask
//! next. No sockets, threads or clock.
//!
//! One round of maintenance: ask the successor; if it knows somebody closer, ask that one; tell the successor that one
//! is there. Whoever is told asks whether its predecessor still answers.

/// Why there is no such member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeerError {
    /// Nobody to go on to.
    #[error("a list of no successors: it must be of 1 or more")]
    NoSuccessors,
    /// Beyond the space.
    #[error("identifier {id} lies outside a space of {space}")]
    Outside {
        /// Which.
        id: u64,
        /// Identifiers there are.
        space: u64,
    },
    /// Somebody else is to be asked.
    #[error("{id} does not lie between {by} and its successor {successor}")]
    NotBetween {
        /// Who joins.
        id: u64,
        /// Whom it asked.
        by: u64,
        /// Who follows that one.
        successor: u64,
    },
}

/// What a member answers when it is asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Answer {
    /// Who.
    pub id: u64,
    /// Who follows it, nearest first. Not empty.
    pub successors: Vec<u64>,
    /// Who precedes it.
    pub predecessor: u64,
}

/// A member.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Peer {
    space: u64,
    knows: Answer,
}

fn between(after: u64, id: u64, before: u64) -> bool {
    if after < before { after < id && id < before } else { after < id || id < before }
}

impl Peer {
    /// A member of the first ring, which knows who follows and who precedes it. `space` identifiers go around.
    ///
    /// # Errors
    /// No successors, or an identifier outside the space.
    pub fn founding(space: u64, knows: Answer) -> Result<Self, PeerError> {
        if knows.successors.is_empty() {
            return Err(PeerError::NoSuccessors);
        }
        let ids = [knows.id, knows.predecessor];
        let outside = knows.successors.iter().copied().chain(ids).find(|id| *id >= space);
        match outside {
            Some(id) => Err(PeerError::Outside { id, space }),
            None => Ok(Peer { space, knows }),
        }
    }

    /// A node that joins, after it has asked the member that precedes it.
    ///
    /// # Errors
    /// That member does not precede it, or what it answered is not of this space.
    pub fn joining(space: u64, id: u64, by: &Answer) -> Result<Self, PeerError> {
        let &successor = by.successors.first().ok_or(PeerError::NoSuccessors)?;
        if !between(by.id, id, successor) {
            return Err(PeerError::NotBetween { id, by: by.id, successor });
        }
        // All of the list: with the nearest alone it would be lost as soon as that one fails.
        Peer::founding(space, Answer { id, successors: by.successors.clone(), predecessor: by.id })
    }

    /// What it answers.
    pub fn answer(&self) -> &Answer {
        &self.knows
    }

    /// Whom to ask first.
    pub fn successor(&self) -> u64 {
        // Never empty: no constructor takes an empty list, and no step makes one shorter.
        self.knows.successors.first().copied().unwrap_or(self.knows.id)
    }

    /// `asked` was the successor, and has answered, or has not in time. Who is to be asked next, if somebody is closer.
    pub fn successor_answered(&mut self, asked: u64, answer: Option<&Answer>) -> Option<u64> {
        let Some(answer) = answer else {
            self.give_up(asked);
            return None;
        };
        self.put_in_front(answer);
        let closer = answer.predecessor;
        between(self.knows.id, closer, answer.id).then_some(closer)
    }

    /// Somebody closer than the successor has answered.
    pub fn closer_answered(&mut self, answer: &Answer) {
        if between(self.knows.id, answer.id, self.successor()) {
            self.put_in_front(answer);
        }
    }

    /// `by` says that this node is its successor. `is_predecessor_alive`: whether the predecessor answers.
    pub fn notified(&mut self, by: u64, is_predecessor_alive: bool) {
        if !is_predecessor_alive || between(self.knows.predecessor, by, self.knows.id) {
            self.knows.predecessor = by;
        }
    }

    fn put_in_front(&mut self, answer: &Answer) {
        let length = self.knows.successors.len();
        let list = std::iter::once(answer.id).chain(answer.successors.iter().copied());
        self.knows.successors = list.take(length).collect();
        // From a member whose list is shorter.
        while self.knows.successors.len() < length {
            self.pad();
        }
    }

    /// Goes on without a successor that does not answer.
    fn give_up(&mut self, dead: u64) {
        if self.successor() == dead {
            self.knows.successors.remove(0);
            self.pad();
        }
    }

    /// Fills the list up with the identifier after its last entry: whoever follows there is no nearer, and nobody is
    /// skipped.
    fn pad(&mut self) {
        let last = self.knows.successors.last().copied().unwrap_or(self.knows.id);
        self.knows.successors.push(last.wrapping_add(1) % self.space);
    }
}
