//! What each step does, as it should be; where a variant deviates, a hook of `deviations.rs` says so.

use super::{
    Answer, Asked, Before, Client, ERA, Exchange, Guess, Heard, History, Mark, Packet, Seen, Stamps, State, Told,
    wrapped,
};

impl Exchange {
    /// Reading of the client's clock.
    pub fn client_clock(state: &State) -> u8 {
        wrapped(state.time, -state.offset)
    }

    fn difference(&self, later: u8, earlier: u8) -> i8 {
        let (wide, half) = (later.cast_signed() - earlier.cast_signed(), (ERA / 2).cast_signed());
        self.subtracted(wide).unwrap_or_else(|| (wide + half).rem_euclid(ERA.cast_signed()) - half)
    }

    /// Twice the offset, and the round trip, in ticks.
    fn measure(&self, [asked, received, answered, arrived]: [u8; 4]) -> (i8, i8) {
        let (out, back) = (self.difference(received, asked), self.difference(answered, arrived));
        let delay = self.difference(arrived, asked) - self.difference(answered, received);
        (self.doubled(out, back), delay)
    }

    /// The two smallest numbers of random bits that nothing bears.
    pub(super) fn fresh(&self, state: &State) -> [u8; 2] {
        let asked = state.client.asked.iter().flat_map(|asked| [asked.transmit, asked.receive]);
        let borne = state.packets.iter().flatten().flat_map(|packet| match *packet {
            Packet::Question { transmit, receive, .. } | Packet::Held { transmit, receive, .. } => [transmit, receive],
            Packet::Answer { origin, .. } => [origin, Mark::Unknown],
        });
        let borne: Vec<Mark> = asked.chain(borne).collect();
        let mut free = (0..).filter(|number| !borne.contains(&Mark::Nonce(*number)));
        [free.next().unwrap_or(0), free.next().unwrap_or(1)]
    }

    pub(super) fn poll(&self, state: &mut State, [transmit, receive]: [u8; 2]) -> Told {
        let Some(slot) = state.packets.iter().position(Option::is_none) else { return Told::NotYet };
        if self.obeys_denial(&state.client) || state.client.wait > 0 {
            return Told::NotYet;
        }
        state.history.seen.asked_denied |= state.client.denied;
        let now = Exchange::client_clock(state);
        let interleaves = self.interleaved && state.client.before.is_some();
        let transmit = match self.stamps {
            Stamps::Random => Mark::Nonce(transmit),
            Stamps::Predictable => Mark::Time(now),
        };
        let receive = if interleaves { Mark::Nonce(receive) } else { Mark::Unknown };
        let origin = state.client.before.filter(|_| interleaves).map(|before| before.received);
        state.packets[slot] = Some(Packet::Question { transmit, receive, origin, left: self.delay_max });
        state.client.asked = Some(Asked { at: now, transmit, receive });
        state.client.last_transmit = None;
        state.client.wait = 1 << state.client.poll;
        state.history.counted = false;
        state.history.slipped = [0, state.history.slipped[0]];
        Told::Asked
    }

    pub(super) fn reply(&self, state: &mut State, slot: usize, says: Answer) {
        let Some(Packet::Held { transmit, receive, origin, received, .. }) = state.packets[slot] else { return };
        let now = if says == Answer::Stepped { wrapped(state.time, 3) } else { state.time };
        let tells = says != Answer::Rate && says != Answer::Deny;
        let kept = state.kept.filter(|(kept, _)| tells && origin == Some(*kept)).and_then(|(_, left)| left);
        let is_kept = self.keeps_answer(origin);
        let (origin, transmitted) = match kept {
            Some(left) => (receive, left),
            None => (transmit, now),
        };
        if self.interleaved && tells && is_kept {
            // Two answers that bear one receive stamp cannot be told apart later: neither is kept.
            let twin = state.kept.is_some_and(|(kept, _)| kept == received) && !self.keeps_twins();
            state.kept = Some((received, (!twin).then_some(now)));
        }
        state.packets[slot] = Some(Packet::Answer { says, origin, received, transmitted, left: self.delay_max });
    }

    /// What the client makes of an answer, forged or not: origin, then kiss, then leap and stratum, then the stamps.
    fn hear(&self, state: &mut State, says: Answer, origin: Mark, received: u8, transmitted: u8) -> Heard {
        let now = Exchange::client_clock(state);
        if self.honours_first(says) {
            return self.kissed(&mut state.client, says);
        }
        let answers = |asked: &Asked| origin != Mark::Unknown && (origin == asked.transmit || origin == asked.receive);
        let asked = state.client.asked.filter(answers).or_else(|| self.taken_for_asked(state, origin));
        let Some(asked) = asked else {
            let again = state.client.last_transmit == Some(transmitted);
            return if again { Heard::Duplicate } else { Heard::Bogus };
        };
        state.client.asked = self.still_asked(state.client.asked);
        match says {
            Answer::Rate | Answer::Deny => return self.kissed(&mut state.client, says),
            Answer::Time | Answer::Stepped => {}
            Answer::Unsynchronised | Answer::TooDeep | Answer::NoTime if self.believes(says) => {
                state.history.seen.believed_timeless = true;
            }
            Answer::Unsynchronised => return Heard::Unsynchronised,
            Answer::TooDeep => return Heard::TooDeep,
            Answer::NoTime => return Heard::NoTime,
        }
        state.client.last_transmit = Some(transmitted);
        let own = Before { asked: asked.at, received, arrived: now };
        let before = if self.interleaved { state.client.before.replace(own) } else { None };
        let interleaved = origin == asked.receive;
        let four = match before.filter(|_| interleaved) {
            Some(one) => [one.asked, one.received, transmitted, self.paired(one.arrived, now)],
            None => [asked.at, received, transmitted, now],
        };
        let (offset_doubled, delay) = self.measure(four);
        self.judge(state, says, (offset_doubled, delay), interleaved, four);
        if delay < 0 { Heard::NegativeDelay } else { Heard::Measured { offset_doubled, delay } }
    }

    fn kissed(&self, client: &mut Client, code: Answer) -> Heard {
        if code == Answer::Deny {
            client.denied = true;
        } else if self.shortens_on_rate() {
            client.poll = client.poll.saturating_sub(1);
            client.wait = client.wait.min(1 << client.poll);
        } else {
            client.poll = (client.poll + 1).min(self.poll_max);
            client.wait = client.wait.max(1 << client.poll);
        }
        Heard::Kissed(code)
    }

    /// Keeps in mind what a measurement was worth.
    fn judge(
        &self,
        state: &mut State,
        says: Answer,
        (offset_doubled, delay): (i8, i8),
        interleaved: bool,
        four: [u8; 4],
    ) {
        let slipped = state.history.slipped;
        let seen = &mut state.history.seen;
        seen.counted_twice |= state.history.counted;
        state.history.counted = true;
        seen.negative |= delay < 0;
        if says != Answer::Time {
            return;
        }
        state.history.synchronised = true;
        // Of two clocks of which one has slipped since: what they are apart now.
        let slips = slipped[0] + if interleaved { slipped[1] } else { 0 };
        let wrong = (offset_doubled - 2 * state.offset).unsigned_abs();
        let limit = delay.unsigned_abs();
        seen.beyond_half |= wrong > limit;
        seen.beyond_drift |= wrong > limit + 2 * slips;
        seen.tight |= wrong == limit && delay > 0;
        seen.too_long |= delay > ((2 + self.doubles_max) * self.delay_max).cast_signed();
        seen.rolled_over |= four[3] < four[0];
        seen.interleaved |= interleaved;
    }

    pub(super) fn deliver(&self, state: &mut State, slot: usize) -> Told {
        match state.packets[slot] {
            Some(Packet::Question { transmit, receive, origin, .. }) => {
                let received = state.time;
                state.packets[slot] = Some(Packet::Held { transmit, receive, origin, received, left: self.hold_max });
                Told::Taken
            }
            Some(Packet::Answer { says, origin, received, transmitted, .. }) => {
                let before = state.client.clone();
                state.packets[slot] = None;
                let heard = self.hear(state, says, origin, received, transmitted);
                self.witness(state, &before, heard);
                Told::Heard(heard)
            }
            Some(Packet::Held { .. }) | None => Told::Done,
        }
    }

    /// Keeps in mind what a packet did to the client.
    fn witness(&self, state: &mut State, before: &Client, heard: Heard) {
        let ignored = matches!(heard, Heard::Bogus | Heard::Duplicate);
        let seen = &mut state.history.seen;
        seen.disturbed |= ignored && state.client != *before;
        seen.shortened |=
            state.client.poll < before.poll || (matches!(heard, Heard::Kissed(_)) && state.client.wait < before.wait);
    }

    pub(super) fn forge(&self, state: &mut State, guess: Guess, says: Answer) -> Told {
        let asked = state.client.asked;
        let origin = match guess {
            Guess::Zero => Mark::Unknown,
            Guess::Wrong => Mark::Nonce(u8::MAX - 1),
            // Of what is not drawn everything is known; what is drawn is missed.
            Guess::Schedule => match asked.map(|asked| asked.transmit) {
                Some(Mark::Time(at)) => Mark::Time(at),
                _ => Mark::Nonce(u8::MAX - 1),
            },
        };
        let before = state.client.clone();
        let history = state.history.clone();
        let lie = wrapped(state.time, 5);
        let heard = self.hear(state, says, origin, lie, lie);
        self.witness(state, &before, heard);
        // What a lie measures is no measurement: only that it was believed is kept.
        let Seen { disturbed, shortened, .. } = state.history.seen;
        state.history = History { seen: Seen { disturbed, shortened, ..Seen::default() }, ..history };
        state.history.seen.believed_forged |= !matches!(heard, Heard::Bogus | Heard::Duplicate);
        Told::Heard(heard)
    }
}
