//! What each step does.

use super::model::{Action, Breach, Copy, Fill, Purge, SHIELD, State, Told, Write};

/// A step under way.
pub(super) struct Step<'a> {
    model: &'a Purge,
    pub(super) state: State,
    pub(super) told: Told,
}

/// The edge that unsafe requests go through.
const WRITER: usize = 1;

/// True ages are counted up to so many lives.
const LIVES_MAX: u8 = 3;

impl<'a> Step<'a> {
    pub(super) fn new(model: &'a Purge, before: &State) -> Self {
        Step { model, state: State { breach: None, ..before.clone() }, told: Told::default() }
    }

    pub(super) fn request(&mut self, edge: usize) {
        let held = self.state.nodes[edge].held;
        let served = held.filter(|copy| self.model.is_fresh(*copy) || self.model.window > 0);
        if let Some(copy) = served {
            self.told.served = Some(copy.version);
            let written = if edge == WRITER { self.state.written } else { 0 };
            self.state.breach = if copy.version < self.model.acknowledged(&self.state) {
                Some(Breach::ServedPurged)
            } else if copy.version < written {
                Some(Breach::ServedOverwritten)
            } else if copy.age >= self.model.kept() {
                Some(Breach::ServedExpired)
            } else {
                None
            };
        }
        if served.is_some_and(|copy| self.model.is_fresh(copy)) {
            return;
        }
        if self.model.may_start(&self.state.nodes[edge]) {
            self.start(edge, served.is_none());
        } else if let Some(fill) = &mut self.state.nodes[edge].fill {
            fill.is_waited |= served.is_none();
            // The client waits for an answer of its own, and the first fill is what is stored.
            self.told.asked = self.state.nodes[edge].has_ended;
        }
    }

    pub(super) fn start(&mut self, node: usize, is_waited: bool) {
        let validates = self.state.nodes[node].held.map(|copy| copy.version);
        self.state.nodes[node].fill = Some(Fill {
            is_outdated: false,
            waited: 0,
            is_waited,
            validates,
            read: None,
            not_modified: false,
            said: 0,
        });
        self.told.asked = true;
        self.told.validates = validates.is_some();
    }

    pub(super) fn snapshot(&mut self, node: usize) {
        let read = if node == SHIELD {
            Some(Copy { version: self.state.version, age: 0, reckoned: 0 })
        } else {
            self.state.nodes[SHIELD].held
        };
        let said = read.filter(|_| self.model.is_skewed()).map_or(0, |copy| copy.reckoned);
        let drops_age = node != SHIELD && self.model.drops_age();
        let read = read.map(|copy| if drops_age { Copy { reckoned: 0, ..copy } } else { copy });
        if let Some(fill) = &mut self.state.nodes[node].fill {
            fill.read = read;
            fill.said = said;
            fill.not_modified = read.is_some_and(|copy| fill.validates == Some(copy.version));
            self.told.content = Some(!fill.not_modified);
        }
    }

    pub(super) fn store(&mut self, node: usize) {
        let kept = self.model.kept();
        let at = &mut self.state.nodes[node];
        let Some(fill) = at.fill.take() else { return };
        let Some(mut copy) = fill.read else { return };
        let of_held = at.held.is_some_and(|held| held.version == copy.version);
        let revives = fill.not_modified && self.model.revives_by_304();
        let is_new = self.model.discards_old_read_alone() && copy.version >= at.confirmed;
        let is_current = !fill.is_outdated || !self.model.epochs || is_new;
        let is_stored = revives || is_current && (!fill.not_modified || of_held);
        copy.reckoned = self.model.reckons(node, copy, fill.waited);
        if is_stored && copy.reckoned < kept {
            self.state.breach = (copy.reckoned < fill.said).then_some(Breach::AgeFell);
            at.held = Some(copy);
            at.shadow = None;
        } else if fill.not_modified && !of_held && fill.is_waited {
            // What is the same is gone: whoever waits needs the whole of it.
            self.start(node, true);
        }
    }

    pub(super) fn update(&mut self) {
        let purged_already = self.model.purges_before_deploy();
        if purged_already && self.state.target == self.state.version {
            self.state.target = self.state.version + 1;
            return self.send();
        }
        self.state.version += 1;
        if !purged_already {
            self.state.target = self.state.version;
            self.send();
        }
    }

    fn send(&mut self) {
        let told_at_once = if self.model.shield_first { 1 } else { self.model.nodes() };
        for node in &mut self.state.nodes[..told_at_once] {
            node.mail = Some(self.state.target);
        }
    }

    pub(super) fn deliver(&mut self, node: usize, is_heard: bool) {
        let Some(version) = self.state.nodes[node].mail.take() else { return };
        self.purge(node);
        if !is_heard {
            self.state.losses += 1;
            return;
        }
        let confirmed = &mut self.state.nodes[node].confirmed;
        *confirmed = version.max(*confirmed);
        if node == SHIELD && self.model.shield_first {
            for edge in &mut self.state.nodes[1..self.model.nodes()] {
                edge.mail = Some(version);
            }
        }
    }

    fn purge(&mut self, node: usize) {
        let at = &mut self.state.nodes[node];
        if let Some(fill) = &mut at.fill {
            fill.is_outdated = true;
        }
        let purged = at.held.take();
        at.held = purged.and_then(|copy| self.model.left_by_purge(node, copy));
        if self.model.purges_memory_alone() {
            at.shadow = purged.or(at.shadow);
        }
    }

    pub(super) fn lose(&mut self, node: usize) {
        self.state.nodes[node].mail = None;
        self.state.losses += 1;
    }

    pub(super) fn restart(&mut self, node: usize) {
        self.state.restarts += 1;
        // The connections of the unsafe request through it are cut: whoever sent it is not told that it was done.
        if node == WRITER || node == SHIELD && !matches!(self.state.write, Some(Write::Passed(_))) {
            self.state.write = None;
        }
        let at = &mut self.state.nodes[node];
        at.fill = None;
        at.held = at.held.or(at.shadow.take());
    }

    pub(super) fn write(&mut self) {
        self.state.writes += 1;
        self.state.write = Some(Write::Sent);
        if self.model.invalidates_before_answer() {
            self.invalidate(SHIELD);
            self.invalidate(WRITER);
        }
    }

    pub(super) fn apply(&mut self) {
        self.state.version += 1;
        self.state.write = Some(Write::Applied(self.state.version));
    }

    pub(super) fn answer(&mut self) {
        let invalidates = !self.model.invalidates_before_answer();
        match self.state.write {
            Some(Write::Applied(version)) => {
                self.state.write = Some(Write::Passed(version));
                if invalidates {
                    self.invalidate(SHIELD);
                }
            }
            Some(Write::Passed(version)) => {
                self.state.write = None;
                self.state.written = version;
                if invalidates {
                    self.invalidate(WRITER);
                }
            }
            Some(Write::Sent) | None => {}
        }
    }

    fn invalidate(&mut self, node: usize) {
        let at = &mut self.state.nodes[node];
        at.held = None;
        if !self.model.invalidates_stored_alone()
            && let Some(fill) = &mut at.fill
        {
            fill.is_outdated = true;
        }
    }

    pub(super) fn tick(&mut self) {
        let (kept, timeout) = (self.model.kept(), self.model.timeout);
        let age_max = self.model.ttl.unwrap_or(0) * LIVES_MAX;
        for node in &mut self.state.nodes {
            let older = |copy: Copy| Copy { age: (copy.age + 1).min(age_max), ..copy };
            node.held = node.held.map(|copy| Copy { reckoned: copy.reckoned + 1, ..older(copy) });
            if self.model.serves_stale_for_ever() {
                node.held = node.held.map(|copy| Copy { reckoned: copy.reckoned.min(kept - 1), ..copy });
            }
            let left = node.held.filter(|copy| copy.reckoned < kept);
            node.has_ended |= self.model.collapses_first_fill_alone() && left.is_none() && node.held.is_some();
            node.held = left;
            node.shadow = node.shadow.map(older);
            if let Some(fill) = &mut node.fill {
                fill.waited = (fill.waited + 1).min(kept.max(timeout));
                fill.read = fill.read.map(older);
                if fill.waited >= timeout && !self.model.never_times_out() {
                    node.fill = None;
                }
            }
        }
    }
}

/// Whose step it is.
pub(super) fn actor(action: &Action) -> String {
    let name = |node: u8| if node == 0 { "shield".to_string() } else { format!("edge {node}") };
    match action {
        Action::Request { edge } => format!("client of edge {edge}"),
        Action::Start => "shield".into(),
        Action::Snapshot { node } | Action::Store { node } | Action::Restart { node } => name(*node),
        Action::Update | Action::Apply | Action::Answer => "origin".into(),
        Action::Deliver { .. } | Action::DeliverUnheard { .. } | Action::Lose { .. } | Action::Resend { .. } => {
            "purger".into()
        }
        Action::Write => "client of edge 1".into(),
        Action::Tick => "clock".into(),
    }
}
