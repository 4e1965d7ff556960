//! A node that keeps keys while ranges change owners: a state machine without sockets, threads or clock.
//!
//! A view is a ring and its epoch. A node serves requests of the view it lives in; while it moves to the next view each
//! arc that changes hands is frozen, copied, acknowledged, released and deleted on one side, received and activated on
//! the other. Every step may be repeated, and none is taken before its time.

use std::collections::BTreeMap;
use std::fmt::Debug;

use super::super::implementation::{Arc, Placement, Ring, migrated_ranges};

mod wire;

pub use self::wire::{FRAME_BYTES_MAX, Frame, WireError, read_frame, write_frame};

/// A ring, and its place in the order of rings.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct View<N, P> {
    /// Greater than that of the view before.
    pub epoch: u64,
    /// Who owns what.
    pub ring: Ring<N, P>,
}

/// Why a view is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ViewError {
    /// An older one, or the same.
    #[error("a view of epoch {offered} comes to a node whose epoch is {current}")]
    Old {
        /// What came.
        offered: u64,
        /// What it has.
        current: u64,
    },
    /// One at a time.
    #[error("the move to epoch {next} is under way, a view of epoch {offered} has to wait")]
    UnderWay {
        /// What came.
        offered: u64,
        /// What it moves to.
        next: u64,
    },
    /// Nobody would have the keys.
    #[error("the view of epoch {offered} has no node")]
    Empty {
        /// What came.
        offered: u64,
    },
    /// Arcs are still on their way.
    #[error("{arcs} arcs have not changed hands yet")]
    Unfinished {
        /// So many.
        arcs: usize,
    },
    /// Nothing to finish.
    #[error("no move is under way")]
    None,
}

/// Why a request is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The client has an older view: it has to get the one of this epoch.
    #[error("the request's view is of before epoch {epoch}")]
    StaleView {
        /// What it needs.
        epoch: u64,
    },
    /// The client has a newer view than this node.
    #[error("the request's view is newer than this node's, of epoch {epoch}")]
    UnknownView {
        /// What this node has.
        epoch: u64,
    },
    /// Not by the request's own view.
    #[error("the key belongs to another node")]
    NotOwner,
    /// The arc is being copied: reads are served, writes have to wait.
    #[error("the key's arc is being copied, writes have to wait")]
    Frozen,
    /// The arc has not arrived yet.
    #[error("the key's arc is still with its old owner")]
    NotYet,
}

/// Why a step of a handoff is not taken. Nothing has changed then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HandoffError {
    /// No such arc goes from here, or comes here.
    #[error("the arc after {} through {} does not change hands here", arc.after, arc.through)]
    UnknownArc {
        /// Which.
        arc: Arc,
    },
    /// Of another move.
    #[error("a message of epoch {got} in a move to epoch {expected}")]
    WrongEpoch {
        /// Of the message.
        got: u64,
        /// Of the move.
        expected: u64,
    },
    /// Writes are still taken.
    #[error("the arc is not frozen")]
    NotFrozen,
    /// The copy may be lost yet.
    #[error("no copy of the arc was acknowledged")]
    NotAcknowledged,
    /// It is still served.
    #[error("the arc is not released")]
    NotReleased,
    /// There is nothing to serve from.
    #[error("no copy of the arc has arrived")]
    NotReceived,
    /// A copy that brings more than was asked for.
    #[error("a key of the copy lies outside its arc")]
    ForeignKey,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Giving {
    Owns,
    Frozen,
    Acknowledged,
    Released,
    Deleted,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Taking {
    Empty,
    Received,
    Active,
}

/// The keys of an arc, on their way to its new owner.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Transfer {
    /// Of the view that the arc changes hands for.
    pub epoch: u64,
    /// Which.
    pub arc: Arc,
    /// Keys and values.
    pub entries: Vec<(Vec<u8>, Vec<u8>)>,
}

/// The new owner has stored the copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ack {
    /// Of the view that the arc changes hands for.
    pub epoch: u64,
    /// Which.
    pub arc: Arc,
}

/// The old owner serves no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Handover {
    /// Of the view that the arc changes hands for.
    pub epoch: u64,
    /// Which.
    pub arc: Arc,
}

/// What a client asks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// The value of a key.
    Get {
        /// Of the client's view.
        epoch: u64,
        /// Which.
        key: Vec<u8>,
    },
    /// A new value of a key.
    Put {
        /// Of the client's view.
        epoch: u64,
        /// Which.
        key: Vec<u8>,
        /// What.
        value: Vec<u8>,
    },
}

/// A node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Node<N, P> {
    id: N,
    view: View<N, P>,
    next: Option<View<N, P>>,
    giving: BTreeMap<Arc, (N, Giving)>,
    taking: BTreeMap<Arc, Taking>,
    store: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl<N: Clone + Ord + Debug, P: Placement<N>> Node<N, P> {
    /// A node without keys, in `view`. Whoever joins begins in the view of before, in which nothing is its own.
    ///
    /// # Errors
    /// The view is empty.
    pub fn new(id: N, view: View<N, P>) -> Result<Self, ViewError> {
        if view.ring.members().len() == 0 {
            return Err(ViewError::Empty { offered: view.epoch });
        }
        Ok(Node { id, view, next: None, giving: BTreeMap::new(), taking: BTreeMap::new(), store: BTreeMap::new() })
    }

    /// Who it is.
    pub fn id(&self) -> &N {
        &self.id
    }

    /// The view it lives in.
    pub fn view(&self) -> &View<N, P> {
        &self.view
    }

    /// The value that is stored under a key, whoever owns it. For an operator.
    pub fn stored(&self, key: &[u8]) -> Option<&[u8]> {
        self.store.get(key).map(Vec::as_slice)
    }

    /// Begins to move to the next view; what it has to give away, and to whom.
    ///
    /// # Errors
    /// The view is not newer, is empty, or a move is under way.
    pub fn prepare(&mut self, next: View<N, P>) -> Result<Vec<(Arc, N)>, ViewError> {
        let offered = next.epoch;
        if let Some(under_way) = &self.next {
            return Err(ViewError::UnderWay { offered, next: under_way.epoch });
        }
        if offered <= self.view.epoch {
            return Err(ViewError::Old { offered, current: self.view.epoch });
        }
        if next.ring.members().len() == 0 {
            return Err(ViewError::Empty { offered });
        }
        for migration in migrated_ranges(&self.view.ring, &next.ring) {
            if migration.from == self.id {
                self.giving.insert(migration.arc, (migration.to, Giving::Owns));
            } else if migration.to == self.id {
                self.taking.insert(migration.arc, Taking::Empty);
            }
        }
        self.next = Some(next);
        Ok(self.giving.iter().map(|(arc, (to, _))| (*arc, to.clone())).collect())
    }

    /// Ends the move: all arcs have changed hands, those given away are deleted and, as the caller knows, each handover
    /// was confirmed.
    ///
    /// # Errors
    /// Arcs are still on their way, or no move is under way.
    pub fn finish(&mut self) -> Result<(), ViewError> {
        let given = self.giving.values().filter(|(_, giving)| *giving != Giving::Deleted).count();
        let arcs = given + self.taking.values().filter(|taking| **taking != Taking::Active).count();
        if arcs > 0 {
            return Err(ViewError::Unfinished { arcs });
        }
        self.view = self.next.take().ok_or(ViewError::None)?;
        self.giving.clear();
        self.taking.clear();
        Ok(())
    }

    /// Serves a request: the value if it is a `Get`, `None` if there is none or it is a `Put`.
    ///
    /// # Errors
    /// It is not this node's to serve, by the request's view or as things stand.
    pub fn serve(&mut self, request: Request) -> Result<Option<Vec<u8>>, Refusal> {
        match request {
            Request::Get { epoch, key } => {
                self.admit(epoch, &key, false)?;
                Ok(self.store.get(&key).cloned())
            }
            Request::Put { epoch, key, value } => {
                self.admit(epoch, &key, true)?;
                self.store.insert(key, value);
                Ok(None)
            }
        }
    }

    /// Whether a request may be served now.
    fn admit(&self, epoch: u64, key: &[u8], writes: bool) -> Result<(), Refusal> {
        let position = self.view.ring.placement().key(key);
        let of_next = self.next.as_ref().is_some_and(|next| next.epoch == epoch);
        let view = match &self.next {
            Some(next) if of_next => next,
            _ if epoch == self.view.epoch => &self.view,
            _ if epoch < self.view.epoch => return Err(Refusal::StaleView { epoch: self.view.epoch }),
            next => return Err(Refusal::UnknownView { epoch: next.as_ref().unwrap_or(&self.view).epoch }),
        };
        if view.ring.owner_at(position) != Ok(&self.id) {
            return Err(Refusal::NotOwner);
        }
        if of_next {
            let taking = self.taking.iter().find(|(arc, _)| arc.contains(position));
            return match taking {
                Some((_, Taking::Empty | Taking::Received)) => Err(Refusal::NotYet),
                Some((_, Taking::Active)) | None => Ok(()),
            };
        }
        let giving = self.giving.iter().find(|(arc, _)| arc.contains(position));
        match (giving, &self.next) {
            (Some((_, (_, Giving::Released | Giving::Deleted))), Some(next)) => {
                Err(Refusal::StaleView { epoch: next.epoch })
            }
            (Some((_, (_, Giving::Frozen | Giving::Acknowledged))), _) if writes => Err(Refusal::Frozen),
            _ => Ok(()),
        }
    }

    /// The epoch that a message of this move must be of.
    fn expect(&self, got: u64, arc: Arc) -> Result<(), HandoffError> {
        match &self.next {
            Some(next) if next.epoch == got => Ok(()),
            Some(next) => Err(HandoffError::WrongEpoch { got, expected: next.epoch }),
            None => Err(HandoffError::UnknownArc { arc }),
        }
    }

    fn giving(&mut self, arc: Arc) -> Result<&mut Giving, HandoffError> {
        self.giving.get_mut(&arc).map(|(_, giving)| giving).ok_or(HandoffError::UnknownArc { arc })
    }

    /// Takes no more writes of an arc that is to be given away.
    ///
    /// # Errors
    /// It is not to be given away.
    pub fn freeze(&mut self, arc: Arc) -> Result<(), HandoffError> {
        let giving = self.giving(arc)?;
        if *giving == Giving::Owns {
            *giving = Giving::Frozen;
        }
        Ok(())
    }

    /// The copy of a frozen arc, to be sent until it is acknowledged.
    ///
    /// # Errors
    /// The arc is not to be given away, or not frozen.
    pub fn transfer(&mut self, arc: Arc) -> Result<Transfer, HandoffError> {
        if *self.giving(arc)? != Giving::Frozen {
            return Err(HandoffError::NotFrozen);
        }
        let epoch = self.next.as_ref().map_or(self.view.epoch, |next| next.epoch);
        let placement = self.view.ring.placement();
        let entries = self.store.iter().filter(|(key, _)| arc.contains(placement.key(key)));
        Ok(Transfer { epoch, arc, entries: entries.map(|(key, value)| (key.clone(), value.clone())).collect() })
    }

    /// Stores a copy, if it is the first, and acknowledges it in any case: the first acknowledgement may be lost.
    ///
    /// # Errors
    /// The copy is of another move or arc, or has keys outside it. Nothing of it is stored then.
    pub fn receive(&mut self, transfer: Transfer) -> Result<Ack, HandoffError> {
        let Transfer { epoch, arc, entries } = transfer;
        self.expect(epoch, arc)?;
        let placement = self.view.ring.placement();
        if entries.iter().any(|(key, _)| !arc.contains(placement.key(key))) {
            return Err(HandoffError::ForeignKey);
        }
        let taking = self.taking.get_mut(&arc).ok_or(HandoffError::UnknownArc { arc })?;
        // What arrives once more is as old as it was: writes may have come since.
        if *taking == Taking::Empty {
            *taking = Taking::Received;
            self.store.extend(entries);
        }
        Ok(Ack { epoch, arc })
    }

    /// Takes note that the copy is stored.
    ///
    /// # Errors
    /// It is of another move or arc, or of one that is not frozen.
    pub fn acknowledged(&mut self, ack: Ack) -> Result<(), HandoffError> {
        self.expect(ack.epoch, ack.arc)?;
        let giving = self.giving(ack.arc)?;
        match giving {
            Giving::Owns => return Err(HandoffError::NotFrozen),
            Giving::Frozen => *giving = Giving::Acknowledged,
            Giving::Acknowledged | Giving::Released | Giving::Deleted => {}
        }
        Ok(())
    }

    /// Serves an arc no more, and what is to be told to the new owner; again, if that was lost.
    ///
    /// # Errors
    /// No copy was acknowledged.
    pub fn release(&mut self, arc: Arc) -> Result<Handover, HandoffError> {
        let giving = self.giving(arc)?;
        if *giving < Giving::Acknowledged {
            return Err(HandoffError::NotAcknowledged);
        }
        if *giving == Giving::Acknowledged {
            *giving = Giving::Released;
        }
        let epoch = self.next.as_ref().map_or(self.view.epoch, |next| next.epoch);
        Ok(Handover { epoch, arc })
    }

    /// Serves an arc from now on.
    ///
    /// # Errors
    /// It is of another move or arc, or no copy has arrived.
    pub fn activate(&mut self, handover: Handover) -> Result<(), HandoffError> {
        self.expect(handover.epoch, handover.arc)?;
        let arc = handover.arc;
        let taking = self.taking.get_mut(&arc).ok_or(HandoffError::UnknownArc { arc })?;
        if *taking == Taking::Empty {
            return Err(HandoffError::NotReceived);
        }
        *taking = Taking::Active;
        Ok(())
    }

    /// Drops the keys of an arc that it has released; how many there were.
    ///
    /// # Errors
    /// The arc is not released.
    pub fn delete(&mut self, arc: Arc) -> Result<usize, HandoffError> {
        let giving = self.giving(arc)?;
        if *giving < Giving::Released {
            return Err(HandoffError::NotReleased);
        }
        *giving = Giving::Deleted;
        let before = self.store.len();
        let placement = self.view.ring.placement();
        self.store.retain(|key, _| !arc.contains(placement.key(key)));
        Ok(before - self.store.len())
    }
}
