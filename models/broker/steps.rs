//! What each action makes of a state.

use super::model::{
    Action, Breach, Consumer, Delivery, Entry, HELD_MAX, Hold, LOG_MAX, Phase, Presence, State, Status, Told,
};

/// What is done.
impl Delivery {
    /// What `action` makes of `before`, and what the outside is told.
    pub fn step(&self, before: &State, action: Action) -> (State, Told) {
        let mut state = before.clone();
        let after = &mut state;
        let told = match action {
            Action::Send { message } => {
                after.producer.next += 1;
                self.send(after, message)
            }
            Action::Retry { message } => {
                after.left.retries -= 1;
                self.send(after, message)
            }
            Action::RestartProducer => self.restart_producer(after),
            Action::Arrive { message, epoch, sequence } => {
                after.publishes[usize::from(epoch)][usize::from(message)] -= 1;
                self.arrive(after, message, epoch, sequence)
            }
            Action::Drop { message, epoch } => {
                after.publishes[usize::from(epoch)][usize::from(message)] -= 1;
                Told::Done
            }
            Action::Confirm { message } => {
                after.confirms &= !(1 << message);
                after.producer.known |= 1 << message;
                Told::Done
            }
            Action::LoseConfirm { message } => {
                after.confirms &= !(1 << message);
                Told::Done
            }
            Action::Sync => self.sync(after),
            Action::Deliver { consumer } => self.deliver(after, consumer),
            Action::Work { consumer } => self.work(after, consumer),
            Action::Ack { consumer } => self.settle(after, consumer, Status::Done),
            Action::Nack { consumer } => {
                let hold = after.in_hand(consumer);
                if !self.is_poison(after.message(hold.entry)) {
                    after.left.nacks -= 1;
                }
                self.settle(after, consumer, Status::Ready)
            }
            Action::Renew { consumer } => self.renew(after, consumer),
            Action::Expire { entry } => {
                after.left.faults -= 1;
                after.take_back(entry);
                Told::Done
            }
            Action::CrashConsumer { consumer } => Self::crash_consumer(after, consumer),
            Action::RestartConsumer { consumer } => {
                after.consumers[usize::from(consumer)].presence = Presence::Up;
                Told::Done
            }
            Action::RemoveConsumer { consumer } => self.remove(after, consumer),
            Action::CrashBroker { survive, torn } => self.crash(after, survive, torn),
            Action::Bury { entry } => {
                after.entry(entry).status = self.when_used_up();
                Told::Done
            }
            Action::Redrive { entry } => Self::redrive(after, entry),
            Action::ForgetKey { message } => {
                after.keys &= !(1 << message);
                Told::Done
            }
        };
        self.rank_tokens(after);
        (state, told)
    }

    fn send(&self, state: &mut State, message: u8) -> Told {
        state.publishes[usize::from(state.producer.epoch)][usize::from(message)] += 1;
        if self.fires_and_forgets() {
            state.seen.confirmed |= 1 << message;
        }
        Told::Done
    }

    fn crash_consumer(state: &mut State, consumer: u8) -> Told {
        state.left.faults -= 1;
        state.leased_to(consumer).for_each(|entry| state.take_back(entry));
        state.consumers[usize::from(consumer)] = Consumer { presence: Presence::Down, ..Consumer::default() };
        Told::Done
    }

    fn redrive(state: &mut State, entry: u8) -> Told {
        state.left.redrives -= 1;
        state.seen.redriven |= 1 << state.message(entry);
        let entry = state.entry(entry);
        (entry.status, entry.attempts, entry.delivered) = (Status::Ready, 0, 0);
        Told::Done
    }

    /// The broker knows of the new epoch before the producer does, and has synced it.
    fn restart_producer(&self, state: &mut State) -> Told {
        self.sync(state);
        state.left.restarts -= 1;
        state.epoch += 1;
        if self.looks_at_epochs() {
            state.expected = 0;
        }
        let producer = &mut state.producer;
        let base = producer.known.trailing_ones() as u8;
        producer.epoch += 1;
        (producer.base, producer.next) = (base, base);
        Told::Done
    }

    fn arrive(&self, state: &mut State, message: u8, epoch: u8, sequence: u8) -> Told {
        let checks = self.looks_at_sequences();
        if checks && self.looks_at_epochs() && epoch < state.epoch {
            return Told::OldEpoch;
        }
        if checks && sequence > state.expected {
            return Told::OutOfSequence;
        }
        if checks && sequence < state.expected {
            let unsynced = |entry: &Entry| entry.message == message && !entry.durable;
            if state.log.iter().flatten().any(unsynced) {
                return Told::DuplicateUnsynced;
            }
            state.confirm(message);
            return Told::Duplicate;
        }
        let at = state.log.iter().position(Option::is_none).expect("room for every copy");
        let (durable, status) = (!self.group_commit, Status::Ready);
        state.log[at] = Some(Entry { message, durable, torn: false, status, attempts: 0, delivered: 0 });
        if checks {
            state.expected += 1;
        }
        if self.fires_and_forgets() || !(durable || self.confirms_before_sync()) {
            return Told::Stored;
        }
        state.confirm(message);
        Told::Confirmed
    }

    fn sync(&self, state: &mut State) -> Told {
        let mut confirmed = 0;
        for entry in state.log.iter_mut().flatten().filter(|entry| !entry.durable) {
            entry.durable = true;
            confirmed |= 1 << entry.message;
        }
        if self.confirms_before_sync() || self.fires_and_forgets() {
            confirmed = 0;
        }
        self.messages().filter(|message| confirmed >> message & 1 == 1).for_each(|message| state.confirm(message));
        Told::Synced { confirmed }
    }

    /// The entry that is handed out next: of each key the oldest that is not settled, if it waits; among those the one with
    /// the fewest attempts, and then the oldest.
    fn next_entry(&self, state: &State) -> Option<usize> {
        let settled = |entry: &&Entry| matches!(entry.status, Status::Done | Status::Dead);
        let entries = || state.log.iter().flatten();
        let is_head = |at: usize, entry: &Entry| {
            let mut before = entries().take(at).filter(|other| !settled(other));
            !before.any(|other| self.holds_up(other.message, entry.message))
        };
        let waits = |(at, entry): &(usize, &Entry)| {
            entry.status == Status::Ready && entry.durable && !self.is_used_up(entry) && is_head(*at, entry)
        };
        let waiting = entries().enumerate().filter(waits);
        waiting.min_by_key(|(at, entry)| (entry.attempts, *at)).map(|(at, _)| at)
    }

    fn deliver(&self, state: &mut State, consumer: u8) -> Told {
        let holds = state.consumers[usize::from(consumer)].held.iter().flatten().count();
        if state.leased_to(consumer).count() >= self.handed_out_max().into() || holds == HELD_MAX {
            return Told::Full;
        }
        let Some(at) = self.next_entry(state) else { return Told::Nothing };
        let at = at as u8;
        let key = self.key(state.message(at));
        let fence = if self.fenced { state.greatest(self, key) + 1 } else { 0 };
        let bound = self.attempts_max.unwrap_or(1) + 1;
        state.seen.orphaned &= !(1 << at);
        let entry = state.entry(at);
        entry.delivered = (entry.delivered + 1).min(bound);
        if self.counts_every_delivery() || entry.attempts == 0 {
            entry.attempts = (entry.attempts + 1).min(bound);
        }
        entry.status = if self.acks_first() { Status::Done } else { Status::Inflight(consumer) };
        let told = Told::Delivered { message: entry.message, attempt: entry.attempts };
        let held = &mut state.consumers[usize::from(consumer)].held;
        let free = held.iter_mut().find(|hold| hold.is_none()).expect("it has room");
        *free = Some(Hold { entry: at, phase: Phase::Got, is_current: true, fence });
        told
    }

    fn work(&self, state: &mut State, consumer: u8) -> Told {
        let hold = state.in_hand(consumer);
        let message = state.message(hold.entry);
        let key = self.key(message);
        let known = state.keys >> message & 1 == 1 && self.keeps_keys();
        if hold.phase == Phase::Got && self.fenced {
            if hold.fence < state.fences[key] {
                state.put_down(consumer);
                return Told::Fenced;
            }
            state.fences[key] = hold.fence;
        }
        let (records, acts, phase) = match hold.phase {
            Phase::Got if known => (false, false, Phase::Effected),
            Phase::Got => self.first_step(),
            Phase::Keyed => (false, true, Phase::Effected),
            Phase::Acted => (true, false, Phase::Effected),
            Phase::Effected => unreachable!("there is nothing left to do but the ack"),
        };
        state.keys |= u8::from(records) << message;
        if acts {
            self.take_effect(state, hold.entry);
        }
        state.consumers[usize::from(consumer)].held[0] = Some(Hold { phase, ..hold });
        match (phase, acts) {
            (Phase::Effected, true) => Told::Applied,
            (Phase::Effected, false) if known && hold.phase == Phase::Got => Told::Skipped,
            (Phase::Effected, false) => Told::Applied,
            (Phase::Got | Phase::Keyed | Phase::Acted, _) => Told::Half,
        }
    }

    fn take_effect(&self, state: &mut State, entry: u8) {
        let message = state.message(entry);
        let later = self.messages().filter(|other| *other > message && self.key(*other) == self.key(message));
        let is_late = later.clone().any(|other| state.effects[usize::from(other)] > 0);
        let effects = &mut state.effects[usize::from(message)];
        if *effects == 0 && is_late {
            state.seen.breach.get_or_insert(Breach::OutOfOrder);
        }
        *effects = (*effects + 1).min(2);
        if state.entry(entry).torn {
            state.seen.breach.get_or_insert(Breach::Phantom);
        }
    }

    /// A consumer says what has become of what it has in hand, and lets go of it.
    fn settle(&self, state: &mut State, consumer: u8, status: Status) -> Told {
        let hold = state.in_hand(consumer);
        state.put_down(consumer);
        let is_pending = matches!(state.entry(hold.entry).status, Status::Ready | Status::Inflight(_));
        let counts = self.acks_by_message() || self.acks_what_is_pending() && is_pending;
        let by_message = counts && status == Status::Done;
        if !hold.is_current && !by_message {
            return Told::Stale;
        }
        if let (false, Status::Inflight(_)) = (hold.is_current, state.entry(hold.entry).status) {
            state.take_back(hold.entry);
            state.seen.breach.get_or_insert(Breach::NotHolder);
        }
        if !self.acks_first() {
            state.entry(hold.entry).status = status;
        }
        Told::Settled
    }

    fn renew(&self, state: &mut State, consumer: u8) -> Told {
        let hold = state.in_hand(consumer);
        let status = state.entry(hold.entry).status;
        if self.renewal_takes_over() && matches!(status, Status::Ready | Status::Inflight(_)) {
            return self.take_over(state, consumer, hold);
        }
        let is_leased = matches!(status, Status::Inflight(_));
        if !(hold.is_current || self.renews_by_message() && is_leased) {
            return Told::Stale;
        }
        if !hold.is_current {
            state.seen.breach.get_or_insert(Breach::NotHolder);
        }
        Told::Renewed
    }

    /// Gives the lease of what a consumer has in hand to that consumer, whoever has it.
    fn take_over(&self, state: &mut State, consumer: u8, hold: Hold) -> Told {
        if !hold.is_current {
            if let Status::Inflight(_) = state.entry(hold.entry).status {
                state.seen.breach.get_or_insert(Breach::NotHolder);
            }
            state.take_back(hold.entry);
            state.entry(hold.entry).status = Status::Inflight(consumer);
            state.consumers[usize::from(consumer)].held[0] = Some(Hold { is_current: true, ..hold });
        }
        Told::Renewed
    }

    fn remove(&self, state: &mut State, consumer: u8) -> Told {
        state.left.removals -= 1;
        state.consumers[usize::from(consumer)].presence = Presence::Removed;
        for entry in state.leased_to(consumer) {
            state.seen.orphaned |= 1 << entry;
            if !self.forgets_pending() {
                state.take_back(entry);
            }
            if self.drops_pending() {
                state.entry(entry).status = Status::Done;
            }
        }
        Told::Done
    }

    /// What is durable is read again; leases are not, and neither are confirmations under way.
    fn crash(&self, state: &mut State, survive: u8, torn: bool) -> Told {
        state.left.crashes -= 1;
        let kept = |at: usize| state.log[..at].iter().flatten().filter(|entry| !entry.durable).count() < survive.into();
        let mut log = [None; LOG_MAX];
        let mut free = 0;
        let mut is_next = true;
        for (at, entry) in state.log.iter().enumerate().filter_map(|(at, entry)| Some((at, (*entry)?))) {
            let survives = entry.durable || kept(at);
            let half = torn && !survives && is_next;
            if survives || half && self.reads_torn_tail() {
                log[free] = Some(Entry { durable: true, torn: entry.torn || half, ..entry });
                free += 1;
            }
            is_next &= survives;
            if !survives && self.looks_at_sequences() {
                state.expected -= 1;
            }
        }
        state.log = log;
        for entry in 0..LOG_MAX as u8 {
            if state.log[usize::from(entry)].is_some_and(|entry| matches!(entry.status, Status::Inflight(_))) {
                state.take_back(entry);
            }
        }
        if self.lets_go {
            state.consumers.iter_mut().for_each(|consumer| consumer.held = Default::default());
        }
        Told::Done
    }

    /// Of tokens nothing counts but which is the greater.
    fn rank_tokens(&self, state: &mut State) {
        if !self.fenced {
            return;
        }
        let log = state.log;
        let of = |hold: &Hold| log[usize::from(hold.entry)].map(|entry| self.key(entry.message));
        for key in 0..state.fences.len() {
            let fence = state.fences[key];
            let mut ranks: Vec<u8> = vec![fence];
            let holds = || state.consumers.iter().flat_map(|consumer| consumer.held).flatten();
            ranks.extend(holds().filter(|hold| of(hold) == Some(key)).map(|hold| hold.fence));
            ranks.sort_unstable();
            ranks.dedup();
            let rank = |token: u8| ranks.iter().position(|other| *other == token).unwrap_or(0) as u8;
            state.fences[key] = rank(fence);
            let holds = state.consumers.iter_mut().flat_map(|consumer| &mut consumer.held).flatten();
            for hold in holds.filter(|hold| of(hold) == Some(key)) {
                hold.fence = rank(hold.fence);
            }
        }
    }
}

impl State {
    /// The message of an entry.
    ///
    /// # Panics
    /// If there is no such entry.
    pub fn message(&self, entry: u8) -> u8 {
        self.log[usize::from(entry)].expect("an entry of the log").message
    }

    fn entry(&mut self, entry: u8) -> &mut Entry {
        self.log[usize::from(entry)].as_mut().expect("an entry of the log")
    }

    pub(super) fn is_up(&self, consumer: u8) -> bool {
        self.consumers[usize::from(consumer)].presence == Presence::Up
    }

    fn in_hand(&self, consumer: u8) -> Hold {
        self.consumers[usize::from(consumer)].held[0].expect("something in hand")
    }

    fn put_down(&mut self, consumer: u8) {
        let held = &mut self.consumers[usize::from(consumer)].held;
        *held = [held[1], None];
    }

    fn confirm(&mut self, message: u8) {
        self.seen.confirmed |= 1 << message;
        self.confirms |= 1 << message;
    }

    fn leased_to(&self, consumer: u8) -> impl Iterator<Item = u8> + use<> {
        let log = self.log;
        (0..LOG_MAX as u8)
            .filter(move |at| log[usize::from(*at)].is_some_and(|entry| entry.status == Status::Inflight(consumer)))
    }

    /// The lease of an entry ends; whoever has it in hand is not told.
    fn take_back(&mut self, entry: u8) {
        self.entry(entry).status = Status::Ready;
        for hold in self.consumers.iter_mut().flat_map(|consumer| &mut consumer.held).flatten() {
            hold.is_current &= hold.entry != entry;
        }
    }

    fn greatest(&self, model: &Delivery, key: usize) -> u8 {
        let holds = self.consumers.iter().flat_map(|consumer| consumer.held).flatten();
        let tokens = holds.filter(|hold| model.key(self.message(hold.entry)) == key).map(|hold| hold.fence);
        tokens.fold(self.fences[key], u8::max)
    }
}
