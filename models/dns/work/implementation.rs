//! What one question of a client may cost: whom to ask next, and when to give up.
//!
//! There is one budget for the whole of it. Aliases, referrals to servers whose addresses are not known, and tries that
//! came to nothing all draw on it, and nothing fills it again.

use std::collections::BTreeSet;

use super::super::implementation::Name;

/// Bounds of one client's question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    /// Questions upstream, all in all.
    pub questions_max: u32,
    /// Aliases that are followed, all in all.
    pub aliases_max: u32,
    /// Times that one server is asked the same.
    pub tries_max: u32,
    /// Names that are looked for at once: the client's, the server's that is needed for it, and so on.
    pub depth_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { questions_max: 64, aliases_max: 8, tries_max: 2, depth_max: 4 }
    }
}

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Next {
    /// A server is asked.
    Ask {
        /// The name that is asked for.
        name: Name,
        /// The server among those that are known for it; 0-based.
        server: usize,
    },
    /// The client's name is resolved.
    Resolved,
    /// Nothing can be found out within the bounds.
    GivesUp(Reason),
}

/// Why nothing can be found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The budget is spent.
    Budget,
    /// The alias was followed before.
    Loop,
    /// There are too many aliases.
    Aliases,
    /// No server has answered.
    Servers,
}

/// What has come back.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Reply {
    /// The address that was asked for.
    Address,
    /// The name is an alias.
    Alias(Name),
    /// Other servers are to be asked, and the address of none is known; their names, the first to be tried first.
    Referral(Vec<Name>),
    /// Servers of a zone below are to be asked, and the addresses of so many are known.
    Delegation(usize),
    /// Addresses of the server that was looked for: so many servers are known for the name that needed it.
    Server(usize),
    /// The answer did not fit: the same server is asked once more, otherwise.
    Truncated,
    /// Nothing of use, or nothing at all.
    Nothing,
}

/// A name that is looked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Quest {
    name: Name,
    /// How often each server was asked.
    tries: Vec<u32>,
    server: usize,
}

/// One client's question under way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Resolution {
    limits: Limits,
    servers: usize,
    /// The client's name first; each other is of a server that the one before it needs.
    quests: Vec<Quest>,
    seen: BTreeSet<Name>,
    asked: u32,
    aliases: u32,
    over: Option<Next>,
}

impl Resolution {
    /// A resolution of `name`, for which `servers` are known.
    pub fn new(name: Name, servers: usize, limits: Limits) -> Self {
        let mut new = Resolution {
            limits,
            servers,
            quests: Vec::new(),
            seen: BTreeSet::from([name.clone()]),
            asked: 0,
            aliases: 0,
            over: None,
        };
        new.quests.push(new.quest(name));
        new.turn();
        new
    }

    /// For names that are looked for from now on so many servers are known.
    pub fn begin_with(&mut self, servers: usize) {
        self.servers = servers;
    }

    fn quest(&self, name: Name) -> Quest {
        Quest { name, tries: vec![0; self.servers], server: 0 }
    }

    /// Questions that have gone upstream.
    pub fn asked(&self) -> u32 {
        self.asked
    }

    /// What is to be done.
    pub fn next(&self) -> Next {
        let ask = |quest: &Quest| Next::Ask { name: quest.name.clone(), server: quest.server };
        let open = || self.quests.last().map_or(Next::GivesUp(Reason::Servers), ask);
        self.over.clone().unwrap_or_else(open)
    }

    /// What has come of it. What comes when all is over is ignored.
    pub fn on_reply(&mut self, reply: Reply) {
        if self.over.is_some() {
            return;
        }
        match reply {
            Reply::Address => {
                self.quests.pop();
                if self.quests.is_empty() {
                    self.over = Some(Next::Resolved);
                    return;
                }
            }
            Reply::Alias(target) => {
                if let Err(reason) = self.follow(target) {
                    self.over = Some(Next::GivesUp(reason));
                    return;
                }
            }
            // One of them, and the rest never: each server that is looked for costs what a client's name costs.
            Reply::Referral(names) => match names.into_iter().next() {
                Some(name) if self.quests.len() < self.limits.depth_max => self.quests.push(self.quest(name)),
                _ => {}
            },
            Reply::Delegation(servers) => self.anew(servers),
            Reply::Server(servers) if self.quests.len() > 1 => {
                self.quests.pop();
                self.anew(servers);
            }
            Reply::Truncated => return self.again(),
            Reply::Server(_) | Reply::Nothing => {}
        }
        self.turn();
    }

    /// So many servers are known for what is looked for, and none of them was asked yet.
    fn anew(&mut self, servers: usize) {
        if let Some(quest) = self.quests.last_mut() {
            quest.tries = vec![0; servers];
        }
    }

    /// The same server once more, which costs what any question costs.
    fn again(&mut self) {
        if self.asked >= self.limits.questions_max {
            self.over = Some(Next::GivesUp(Reason::Budget));
        } else {
            self.asked += 1;
        }
    }

    fn follow(&mut self, target: Name) -> Result<(), Reason> {
        if self.aliases >= self.limits.aliases_max {
            return Err(Reason::Aliases);
        }
        if !self.seen.insert(target.clone()) {
            return Err(Reason::Loop);
        }
        self.aliases += 1;
        self.quests.pop();
        self.quests.push(self.quest(target));
        Ok(())
    }

    /// The server that was asked least, and of several the first, is asked, if budget and tries allow.
    fn turn(&mut self) {
        if self.asked >= self.limits.questions_max {
            self.over = Some(Next::GivesUp(Reason::Budget));
            return;
        }
        let tries_max = self.limits.tries_max;
        let Some(quest) = self.quests.last_mut() else { return };
        let least = (0..quest.tries.len()).filter(|server| quest.tries[*server] < tries_max);
        match least.min_by_key(|server| quest.tries[*server]) {
            Some(server) => {
                quest.tries[server] += 1;
                quest.server = server;
                self.asked += 1;
            }
            None => self.over = Some(Next::GivesUp(Reason::Servers)),
        }
    }
}
