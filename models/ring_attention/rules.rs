//! The rules: what each operation, each channel and each disconnect does to a configuration.

use super::model::{Block, Grain, Host, Pass, QUEUE_MAX, Ring, Scheme, State, Status, Variant};
use super::programme::{Direction, Op};

/// The host ends so, and lets go of what it has posted and asked for.
pub(super) fn leave(host: &mut Host, status: Status) {
    *host = Host { status, posted: [None; 2], asked: [None; 2], computing: None, ..*host };
}

/// The rules.
impl Ring {
    fn op(&self, host: u8, of: &Host) -> Option<Op> {
        self.programme(host, of.step).get(usize::from(of.at)).copied()
    }

    pub(super) fn can_step(&self, state: &State, host: u8) -> bool {
        // A host that waits has no operation of its own.
        let own = &state.hosts[usize::from(host)];
        !matches!(self.op(host, own), Some(Op::AwaitTaken(_) | Op::AwaitGiven(_)) | None)
    }

    fn gone(&self, state: &State, host: u8) -> bool {
        state.hosts[usize::from(host)].status != Status::Running
    }

    pub(super) fn can_take(&self, state: &State, host: u8, direction: Direction) -> bool {
        let d = direction as usize;
        let (own, next) = (&state.hosts[usize::from(host)], self.next(host, direction));
        let Some(part) = own.posted[d] else { return false };
        let queue = &state.channels[usize::from(host)][d];
        let room = if self.variant == Variant::IgnoresCapacity { QUEUE_MAX as u8 } else { self.capacity };
        match self.capacity {
            _ if self.gone(state, next) => false,
            0 => self.groups_fit(host, direction) && state.hosts[usize::from(next)].asked[d] == Some(part),
            _ => queue.len < room,
        }
    }

    pub(super) fn can_give(&self, state: &State, host: u8, direction: Direction) -> bool {
        let previous = self.previous(host, direction);
        self.capacity > 0
            && state.hosts[usize::from(host)].asked[direction as usize].is_some()
            && self.groups_fit(previous, direction)
            && !state.channels[usize::from(previous)][direction as usize].is_empty()
    }

    /// Whether it waits for a neighbour that is gone. What that has sent before can still be received; who does not wait
    /// finds out later.
    pub(super) fn sees_disconnect(&self, state: &State, host: u8) -> bool {
        let own = &state.hosts[usize::from(host)];
        let waits_for_the_dead = match self.op(host, own) {
            Some(Op::AwaitTaken(way)) => own.posted[way as usize].is_some() && self.gone(state, self.next(host, way)),
            Some(Op::AwaitGiven(way)) => {
                let previous = self.previous(host, way);
                let nothing = state.channels[usize::from(previous)][way as usize].is_empty();
                own.asked[way as usize].is_some() && nothing && self.gone(state, previous)
            }
            _ => false,
        };
        waits_for_the_dead && self.variant != Variant::WaitsForTheDead
    }

    pub(super) fn disconnect(&self, state: &mut State, host: u8) {
        let partial = self.variant == Variant::PublishesPartial;
        let status = if partial { Status::Published } else { Status::Disconnected };
        leave(&mut state.hosts[usize::from(host)], status);
    }

    pub(super) fn take(&self, state: &mut State, host: u8, direction: Direction) {
        let d = direction as usize;
        let own = &mut state.hosts[usize::from(host)];
        // Read when it is taken, not when it was posted: that is what a buffer in flight is.
        let (block, part) = (own.resident[d], own.posted[d].take().unwrap_or_default());
        self.pass_by(own, host);
        if self.capacity > 0 {
            state.channels[usize::from(host)][d].push((block, part));
        } else {
            let next = self.next(host, direction);
            self.deliver(&mut state.hosts[usize::from(next)], next, d, block);
        }
    }

    pub(super) fn give(&self, state: &mut State, host: u8, direction: Direction) {
        let d = direction as usize;
        let previous = self.previous(host, direction);
        let (block, _) = state.channels[usize::from(previous)][d].pop();
        self.deliver(&mut state.hosts[usize::from(host)], host, d, block);
    }

    fn deliver(&self, host: &mut Host, number: u8, d: usize, block: Block) {
        host.asked[d] = None;
        host.spare[d] = Some(block);
        if self.variant == Variant::OverwritesBeforeComputeEnds {
            host.resident[d] = block;
        }
        self.pass_by(host, number);
    }

    /// Goes past what there is no need to wait for any more, and a computation that the mask leaves nothing of.
    pub(super) fn pass_by(&self, host: &mut Host, number: u8) {
        while let Some(op) = self.op(number, host) {
            let over = match op {
                Op::AwaitTaken(direction) => host.posted[direction as usize].is_none(),
                Op::AwaitGiven(direction) => host.asked[direction as usize].is_none(),
                Op::Begin(direction) => {
                    let origin = host.resident[direction as usize].origin;
                    self.needed(number) & 1 << self.mask_of(host, origin) == 0
                }
                Op::End(_) => host.computing.is_none(),
                Op::Post(..) | Op::Ask(..) | Op::Swap | Op::Publish => false,
            };
            if !over {
                return;
            }
            host.at += 1;
        }
    }

    /// The block whose mask is used.
    fn mask_of(&self, host: &Host, origin: u8) -> u8 {
        if self.variant == Variant::MasksByStep { host.step } else { origin }
    }

    /// The host does its next operation; as a primitive, all up to the next.
    pub(super) fn step(&self, state: &mut State, host: u8) {
        loop {
            let own = &mut state.hosts[usize::from(host)];
            let Some(op) = self.op(host, own) else { return };
            if matches!(op, Op::AwaitTaken(_) | Op::AwaitGiven(_)) {
                return;
            }
            self.execute(own, host, op);
            let running = own.status == Status::Running;
            let stops = self.op(host, own).is_none_or(Op::is_primitive);
            if self.grain == Grain::Operation || !running || stops {
                return;
            }
        }
    }

    fn execute(&self, own: &mut Host, host: u8, op: Op) {
        own.at += 1;
        match op {
            Op::Post(direction, part) => own.posted[direction as usize] = Some(part),
            Op::Ask(direction, part) => own.asked[direction as usize] = Some(part),
            Op::Begin(direction) => {
                let origin = own.resident[direction as usize].origin;
                own.history.wrong_mask |= self.pairs(host, origin) != self.pairs(host, self.mask_of(own, origin));
                own.computing = Some(origin);
            }
            Op::End(direction) => self.end(own, host, direction),
            Op::Swap => self.swap(own),
            Op::Publish => leave(own, Status::Published),
            Op::AwaitTaken(_) | Op::AwaitGiven(_) => {}
        }
        if own.status == Status::Running {
            self.pass_by(own, host);
        }
    }

    fn end(&self, own: &mut Host, host: u8, direction: Direction) {
        let Some(began) = own.computing.take() else { return };
        let block = &mut own.resident[direction as usize];
        own.history.torn |= block.origin != began;
        own.history.twice |= own.computed & 1 << began != 0;
        // Scores ascend with the origin.
        let greater = own.computed != 0 && own.computed >> began == 0;
        own.history.unscaled |= self.variant == Variant::ForgetsToRescale && greater;
        own.computed |= 1 << began;
        if self.pass == Pass::Backward {
            block.added |= 1 << host;
        }
    }

    fn swap(&self, own: &mut Host) {
        for direction in self.directions() {
            let d = *direction as usize;
            if let Some(block) = own.spare[d].take() {
                own.resident[d] = block;
                if self.scheme == Scheme::AllGather {
                    own.kept |= 1 << block.origin;
                }
            }
        }
        own.step += 1;
        own.at = 0;
    }

    /// Channels take and give until nothing of that is left; then who waits for the dead sees it, one after the other.
    pub(super) fn settle(&self, state: &mut State) {
        while self.channels_move(state) || self.somebody_gives_up(state) {}
    }

    fn channels_move(&self, state: &mut State) -> bool {
        let mut moved = false;
        for host in 0..self.hosts {
            for direction in self.directions() {
                if self.can_take(state, host, *direction) {
                    self.take(state, host, *direction);
                    moved = true;
                }
                if self.can_give(state, host, *direction) {
                    self.give(state, host, *direction);
                    moved = true;
                }
            }
            self.come_to_a_stop(state, host);
        }
        moved
    }

    fn somebody_gives_up(&self, state: &mut State) -> bool {
        let sees = (0..self.hosts).find(|host| self.sees_disconnect(state, *host));
        sees.inspect(|host| self.disconnect(state, *host)).is_some()
    }

    /// A host that has been let go on does so up to its next primitive.
    fn come_to_a_stop(&self, state: &mut State, host: u8) {
        let own = &state.hosts[usize::from(host)];
        let op = self.op(host, own).filter(|_| own.status == Status::Running);
        let waits = |op: Op| matches!(op, Op::AwaitTaken(_) | Op::AwaitGiven(_));
        if op.is_some_and(|op| !op.is_primitive() && !waits(op)) {
            self.step(state, host);
        }
    }
}
