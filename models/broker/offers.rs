//! What each state offers to the scheduler.

use super::model::{Action, Consumer, Delivery, Entry, Phase, Presence, State, Status};

/// What is offered.
impl Delivery {
    pub(super) fn of_the_producer(&self, state: &State, actions: &mut Vec<Action>) {
        let producer = state.producer;
        if self.messages().contains(&producer.next) {
            actions.push(Action::Send { message: producer.next });
        }
        let waits_for = |message: &u8| producer.known >> message & 1 == 0;
        if state.left.retries > 0 && !self.fires_and_forgets() {
            let sent = producer.base..producer.next;
            actions.extend(sent.filter(waits_for).map(|message| Action::Retry { message }));
        }
        if state.left.restarts > 0 {
            actions.push(Action::RestartProducer);
        }
    }

    pub(super) fn of_the_network(&self, state: &State, actions: &mut Vec<Action>) {
        for (epoch, copies) in (0..).zip(&state.publishes) {
            for message in self.messages().filter(|message| copies[usize::from(*message)] > 0) {
                let base = if epoch == state.producer.epoch { state.producer.base } else { 0 };
                actions.push(Action::Arrive { message, epoch, sequence: message - base });
                actions.push(Action::Drop { message, epoch });
            }
        }
        for message in self.messages().filter(|message| state.confirms >> message & 1 == 1) {
            actions.extend([Action::Confirm { message }, Action::LoseConfirm { message }]);
        }
    }

    pub(super) fn of_the_broker(&self, state: &State, actions: &mut Vec<Action>) {
        let entries = || (0..).zip(state.log.iter().flatten());
        let unsynced = entries().filter(|(_, entry)| !entry.durable).count() as u8;
        if unsynced > 0 {
            actions.push(Action::Sync);
        }
        if state.left.crashes > 0 {
            let crash = |survive| {
                let torn = [false, true].into_iter().filter(move |torn| !torn || survive < unsynced);
                torn.map(move |torn| Action::CrashBroker { survive, torn })
            };
            actions.extend((0..=unsynced).flat_map(crash));
        }
        for (at, entry) in entries() {
            match entry.status {
                Status::Inflight(consumer) if state.left.faults > 0 && state.is_up(consumer) => {
                    actions.push(Action::Expire { entry: at });
                }
                Status::Ready if self.is_used_up(entry) => actions.push(Action::Bury { entry: at }),
                Status::Dead if state.left.redrives > 0 => actions.push(Action::Redrive { entry: at }),
                Status::Inflight(_) | Status::Ready | Status::Done | Status::Dead => {}
            }
        }
        if self.window {
            let over = self.messages().filter(|message| self.is_over(state, *message));
            actions.extend(over.map(|message| Action::ForgetKey { message }));
        }
    }

    pub(super) fn of_a_consumer(&self, state: &State, consumer: u8, actions: &mut Vec<Action>) {
        let Consumer { presence, held } = state.consumers[usize::from(consumer)];
        // Whoever holds what is no longer theirs does not know, and works on it first.
        let up = presence == Presence::Up;
        if up && held.iter().flatten().all(|hold| hold.is_current) {
            actions.push(Action::Deliver { consumer });
        }
        if let (Some(hold), true) = (held[0], presence != Presence::Down) {
            let poison = self.is_poison(state.message(hold.entry)) && hold.phase == Phase::Got;
            match hold.phase {
                Phase::Effected => actions.push(Action::Ack { consumer }),
                Phase::Got | Phase::Keyed | Phase::Acted if !poison => actions.push(Action::Work { consumer }),
                Phase::Got | Phase::Keyed | Phase::Acted => {}
            }
            if poison || hold.phase == Phase::Got && state.left.nacks > 0 {
                actions.push(Action::Nack { consumer });
            }
            if self.renews {
                actions.push(Action::Renew { consumer });
            }
        }
        if up && state.left.faults > 0 {
            actions.push(Action::CrashConsumer { consumer });
        }
        if presence == Presence::Down {
            actions.push(Action::RestartConsumer { consumer });
        }
        if up && state.left.removals > 0 {
            actions.push(Action::RemoveConsumer { consumer });
        }
    }

    pub(super) fn is_used_up(&self, entry: &Entry) -> bool {
        self.attempts_max.is_some_and(|most| entry.attempts >= most)
    }

    /// Whether the window of a key may be over: nobody can come with the message any more.
    fn is_over(&self, state: &State, message: u8) -> bool {
        let settled = |status| match status {
            Status::Done => true,
            Status::Dead => self.forgets_keys_of_dead(),
            Status::Ready | Status::Inflight(_) => false,
        };
        let mut entries = state.log.iter().flatten().filter(|entry| entry.message == message);
        let mut holds = state.consumers.iter().flat_map(|consumer| consumer.held).flatten();
        state.keys >> message & 1 == 1
            && entries.all(|entry| settled(entry.status))
            && !holds.any(|hold| state.message(hold.entry) == message)
    }
}
