//! The breaker under test, as anybody might have written it: half of the last four calls open it for three seconds, then
//! two probes decide.

use std::collections::VecDeque;

const WINDOW: usize = 4;
const OPEN_MS: u64 = 3_000;
const PROBES: usize = 2;

#[derive(Debug, Default)]
pub(super) struct Breaker {
    phase: Phase,
    /// Counts the changes of phase: what began before the last of them says nothing of now.
    generation: u64,
}

#[derive(Debug)]
enum Phase {
    Closed { succeeded: VecDeque<bool> },
    Open { until_ms: u64 },
    HalfOpen { admitted: usize, succeeded: usize },
}

impl Default for Phase {
    fn default() -> Self {
        Phase::Closed { succeeded: VecDeque::new() }
    }
}

/// What a call is let through with.
#[derive(Debug)]
pub(super) struct Permit {
    generation: u64,
}

impl Breaker {
    /// Lets a call through, or not.
    pub(super) fn admit(&mut self, now_ms: u64) -> Option<Permit> {
        match &mut self.phase {
            Phase::Closed { .. } => {}
            Phase::Open { until_ms } if now_ms < *until_ms => return None,
            Phase::Open { .. } => self.turn(Phase::HalfOpen { admitted: 1, succeeded: 0 }),
            Phase::HalfOpen { admitted: PROBES, .. } => return None,
            Phase::HalfOpen { admitted, .. } => *admitted += 1,
        }
        Some(Permit { generation: self.generation })
    }

    /// Takes note of how a call has ended: well, badly, or in a way that says nothing.
    pub(super) fn ended(&mut self, permit: Permit, well: Option<bool>, now_ms: u64) {
        if permit.generation != self.generation {
            return;
        }
        match (&mut self.phase, well) {
            (Phase::Closed { succeeded }, Some(well)) => {
                succeeded.push_back(well);
                if succeeded.len() > WINDOW {
                    succeeded.pop_front();
                }
                let failed = succeeded.iter().filter(|well| !**well).count();
                if succeeded.len() == WINDOW && 2 * failed >= WINDOW {
                    self.turn(Phase::Open { until_ms: now_ms + OPEN_MS });
                }
            }
            (Phase::HalfOpen { succeeded, .. }, Some(true)) if *succeeded + 1 == PROBES => self.turn(Phase::default()),
            (Phase::HalfOpen { succeeded, .. }, Some(true)) => *succeeded += 1,
            (Phase::HalfOpen { .. }, Some(false)) => self.turn(Phase::Open { until_ms: now_ms + OPEN_MS }),
            (Phase::HalfOpen { admitted, .. }, None) => *admitted -= 1,
            (Phase::Closed { .. }, None) | (Phase::Open { .. }, _) => {}
        }
    }

    fn turn(&mut self, phase: Phase) {
        self.phase = phase;
        self.generation += 1;
    }
}
