//! Raft without storage, after `raft.rs`: a server that crashes forgets whom it voted for, and so two lead one term.
//!
//! **Sources.** Ongaro and Ousterhout, "In search of an understandable consensus algorithm", 2014, 5.2 to 5.4.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::sync::Arc;

use counterpart::explore::{Budget, referee, survey};
use libtest_mimic::Trial;
use stateright::Expectation;
use stateright::actor::{Actor, ActorModel, Id, Network, Out, Timers, model_timeout};

use super::{agrees_by_parts, steps};
use crate::claim;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("golden::examples::raft_commits_with_one_leader_a_term", commits),
        claim("golden::examples::stateright_does_not_tell_whose_timer_is_set", timers_of_others),
        claim("golden::examples::raft_that_forgets_its_vote_elects_two_leaders", forgets),
    ]
}

fn commits() {
    let model = || system(Bounds { servers: 2, crashes: 0, wants: true, messages_max: 3 });
    let budget = Budget::default();
    let told = survey(Arc::new(model()), &budget).expect("a model");
    agrees_by_parts(model, &told, &budget);
    assert_eq!((steps(&told, ONE_LEADER), steps(&told, SAME_LOG)), (None, None));
    // Patience is lost, a vote is asked for and given; an entry is sent, stored and acknowledged.
    assert_eq!((steps(&told, LEADS), steps(&told, COMMITS)), (Some(3), Some(6)));
    // stateright 0.31.0 takes states for one that differ in whose timer is set, see `timers_of_others`: ours has them all.
    assert_eq!(told.node_count(), 332);
    assert_eq!(referee(told.model(), &budget.interrupt).expect("few properties").states, 303);
}

/// A set of timers is hashed without its length, so that the lists of actors' timers hash alike whoever has the timer:
/// searches that go by the hash alone take such states for one. Those that compare states do not, and neither does the
/// search by parts, which hashes what belongs to one actor by itself.
fn timers_of_others() {
    let (mut one, none) = (Timers::new(), Timers::new());
    one.set(Timer::Patience);
    let (first, second) = ([one.clone(), none.clone()], [none, one]);
    assert!(first != second);
    let hash = BuildHasherDefault::<DefaultHasher>::default();
    assert_eq!(hash.hash_one(&first), hash.hash_one(&second), "mended: compare with stateright again");
}

fn forgets() {
    let bounds = Bounds { servers: 3, crashes: 1, wants: false, messages_max: 6 };
    // As far as two leaders are away: one is elected in three steps; who voted for it crashes, recovers and votes for the
    // other, which loses patience, asks and learns of it.
    let budget = Budget::default().depth_max(8);
    for (crashes, two_leaders) in [(1, Some(8)), (0, None)] {
        let model = || system(Bounds { crashes, ..bounds });
        let told = survey(Arc::new(model()), &budget).expect("a model");
        agrees_by_parts(model, &told, &budget);
        assert_eq!((steps(&told, ONE_LEADER), steps(&told, LEADS)), (two_leaders, Some(3)));
    }
}

const LEADS: &str = "somebody leads";
const COMMITS: &str = "an entry is committed";
const ONE_LEADER: &str = "a term has one leader";
const SAME_LOG: &str = "what is committed is the same everywhere";

#[derive(Clone, Copy)]
struct Bounds {
    servers: usize,
    crashes: usize,
    /// Whether each server wants an entry in the log.
    wants: bool,
    messages_max: usize,
}

const TERM_MAX: u8 = 1;
const ENTRIES_MAX: usize = 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Entry {
    term: u8,
    payload: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Message {
    Vote {
        term: u8,
        last: (u8, usize),
    },
    Voted {
        term: u8,
        granted: bool,
    },
    Append {
        term: u8,
        before: (u8, usize),
        entries: Vec<Entry>,
        committed: usize,
    },
    Appended {
        term: u8,
        stored: Option<usize>,
    },
    /// What a client wants to have in the log.
    Want {
        payload: u8,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Timer {
    Patience,
    Replication,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Role {
    Follower {
        leader: Option<Id>,
    },
    Candidate {
        votes: BTreeSet<Id>,
    },
    /// By server, how much of the log it was sent, and has.
    Leader {
        sent: Vec<usize>,
        has: Vec<usize>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    term: u8,
    voted_for: Option<Id>,
    role: Role,
    log: Vec<Entry>,
    committed: usize,
    /// What is wanted while nobody is known to lead.
    wanted: Vec<u8>,
}

impl State {
    /// Term and index of the last entry.
    fn last(&self) -> (u8, usize) {
        (self.log.last().map_or(0, |entry| entry.term), self.log.len())
    }

    fn enter(&mut self, term: u8) {
        if term > self.term {
            (self.term, self.voted_for, self.role) = (term, None, Role::Follower { leader: None });
        }
    }
}

#[derive(Clone)]
struct Server {
    servers: usize,
    wants: bool,
}

impl Server {
    fn quorum(&self) -> usize {
        self.servers / 2 + 1
    }

    fn others(&self, id: Id) -> impl Iterator<Item = Id> + use<> {
        (0..self.servers).map(Id::from).filter(move |other| *other != id)
    }

    fn replicate(&self, id: Id, state: &State, out: &mut Out<Self>) {
        let Role::Leader { sent, .. } = &state.role else { return };
        for to in self.others(id) {
            let from = sent[usize::from(to)];
            let before = (from.checked_sub(1).map_or(0, |index| state.log[index].term), from);
            let (entries, committed) = (state.log[from..].to_vec(), state.committed);
            out.send(to, Message::Append { term: state.term, before, entries, committed });
        }
    }

    fn want(&self, id: Id, state: &mut State, payload: u8, out: &mut Out<Self>) {
        match &mut state.role {
            Role::Leader { has, .. } => {
                state.log.push(Entry { term: state.term, payload });
                has[usize::from(id)] = state.log.len();
                self.replicate(id, state, out);
            }
            Role::Follower { leader: Some(leader) } => out.send(*leader, Message::Want { payload }),
            Role::Follower { leader: None } | Role::Candidate { .. } => state.wanted.push(payload),
        }
    }

    fn voted(&self, id: Id, state: &mut State, from: Id, out: &mut Out<Self>) {
        let Role::Candidate { votes } = &mut state.role else { return };
        votes.insert(from);
        if votes.len() < self.quorum() {
            return;
        }
        let mut has = vec![0; self.servers];
        has[usize::from(id)] = state.log.len();
        state.role = Role::Leader { sent: vec![state.log.len(); self.servers], has };
        self.replicate(id, state, out);
        for payload in std::mem::take(&mut state.wanted) {
            out.send(id, Message::Want { payload });
        }
    }

    /// Takes in what the leader sent. How much of the log is now as the leader's.
    fn append(state: &mut State, before: (u8, usize), entries: &[Entry], committed: usize) -> Option<usize> {
        let (term, index) = before;
        let fits = index == 0 || state.log.get(index - 1).is_some_and(|entry| entry.term == term);
        if !fits {
            return None;
        }
        for (at, entry) in (index..).zip(entries) {
            if state.log.get(at).is_some_and(|own| own.term != entry.term) {
                state.log.truncate(at);
            }
            if at >= state.log.len() {
                state.log.push(*entry);
            }
        }
        let stored = index + entries.len();
        state.committed = state.committed.max(committed.min(stored));
        Some(stored)
    }

    fn appended(&self, state: &mut State, from: Id, stored: Option<usize>) {
        let quorum = self.quorum();
        let Role::Leader { sent, has } = &mut state.role else { return };
        let from = usize::from(from);
        match stored {
            None => sent[from] = sent[from].saturating_sub(1),
            Some(stored) => {
                (sent[from], has[from]) = (sent[from].max(stored), has[from].max(stored));
                let by_all = |index: &usize| has.iter().filter(|has| **has >= *index).count() >= quorum;
                let reached = (state.committed + 1..=state.log.len()).rev().find(by_all);
                let own = reached.filter(|index| state.log[index - 1].term == state.term);
                state.committed = own.unwrap_or(state.committed);
            }
        }
    }
}

impl Actor for Server {
    type Msg = Message;
    type State = State;
    type Timer = Timer;
    type Random = ();
    type Storage = ();

    fn on_start(&self, id: Id, _: &Option<()>, out: &mut Out<Self>) -> State {
        out.set_timer(Timer::Patience, model_timeout());
        out.set_timer(Timer::Replication, model_timeout());
        let role = Role::Follower { leader: None };
        let wanted = if self.wants { vec![usize::from(id) as u8] } else { Vec::new() };
        State { term: 0, voted_for: None, role, log: Vec::new(), committed: 0, wanted }
    }

    fn on_msg(&self, id: Id, state: &mut Cow<State>, from: Id, message: Message, out: &mut Out<Self>) {
        let state = state.to_mut();
        match message {
            Message::Vote { term, last } => {
                state.enter(term);
                let is_free = state.voted_for.is_none_or(|other| other == from);
                let granted = term == state.term && last >= state.last() && is_free;
                if granted {
                    state.voted_for = Some(from);
                }
                out.send(from, Message::Voted { term: state.term, granted });
            }
            Message::Voted { term, granted } => {
                state.enter(term);
                if granted && term == state.term {
                    self.voted(id, state, from, out);
                }
            }
            Message::Append { term, before, entries, committed } => {
                state.enter(term);
                let mut stored = None;
                if term == state.term {
                    state.role = Role::Follower { leader: Some(from) };
                    stored = Server::append(state, before, &entries, committed);
                    for payload in std::mem::take(&mut state.wanted) {
                        out.send(from, Message::Want { payload });
                    }
                }
                out.send(from, Message::Appended { term: state.term, stored });
            }
            Message::Appended { term, stored } => {
                state.enter(term);
                if term == state.term {
                    self.appended(state, from, stored);
                }
            }
            Message::Want { payload } => self.want(id, state, payload, out),
        }
    }

    fn on_timeout(&self, id: Id, state: &mut Cow<State>, timer: &Timer, out: &mut Out<Self>) {
        match timer {
            Timer::Patience if !matches!(state.role, Role::Leader { .. }) => {
                let state = state.to_mut();
                (state.term, state.voted_for) = (state.term + 1, Some(id));
                state.role = Role::Candidate { votes: BTreeSet::from([id]) };
                let last = state.last();
                for to in self.others(id) {
                    out.send(to, Message::Vote { term: state.term, last });
                }
            }
            Timer::Patience => {}
            Timer::Replication => self.replicate(id, state, out),
        }
    }
}

fn system(bounds: Bounds) -> ActorModel<Server, Bounds, ()> {
    ActorModel::new(bounds, ())
        .actors((0..bounds.servers).map(|_| Server { servers: bounds.servers, wants: bounds.wants }))
        .max_crashes(bounds.crashes)
        .init_network(Network::new_unordered_nonduplicating([]))
        .property(Expectation::Sometimes, LEADS, |_, state| {
            state.actor_states.iter().any(|of| matches!(of.role, Role::Leader { .. }))
        })
        .property(Expectation::Sometimes, COMMITS, |_, state| state.actor_states.iter().any(|of| of.committed > 0))
        .property(Expectation::Always, ONE_LEADER, |_, state| {
            let leaders = state.actor_states.iter().filter(|of| matches!(of.role, Role::Leader { .. }));
            let mut terms = BTreeSet::new();
            leaders.into_iter().all(|of| terms.insert(of.term))
        })
        .property(Expectation::Always, SAME_LOG, |_, state| {
            let committed = || state.actor_states.iter().map(|of| &of.log[..of.committed]);
            committed().all(|one| committed().all(|other| one.iter().zip(other).all(|(one, other)| one == other)))
        })
        .within_boundary(|bounds, state| {
            let is_near = |of: &State| of.term <= TERM_MAX && of.log.len() <= ENTRIES_MAX;
            state.network.len() <= bounds.messages_max && state.actor_states.iter().all(|of| is_near(of))
        })
}
