//! Equations whose unknowns are the least or greatest of weighted sums, bounded from both sides.
//!
//! A bound stays sound whatever is done in whichever order: the right sides grow with the unknowns, so that of a lower
//! bound comes a lower bound and of an upper one an upper one. Each is rounded outwards, so that this is true of the
//! numbers computed as well. That the bounds meet is what the equations must be prepared for: see
//! [`quantitative`](super::quantitative).

use super::{Bounds, Extreme, Precision};

/// The unknowns and their right sides. An unknown without options is known.
pub(super) struct Equations {
    pub(super) extreme: Extreme,
    /// By unknown: its options are `options[offsets[x]..offsets[x + 1]]`.
    pub(super) offsets: Vec<usize>,
    pub(super) options: Vec<Way>,
    pub(super) terms: Vec<Term>,
    pub(super) bounds: Vec<Bounds>,
}

/// `reward` + Σ weight · unknown / `total`.
pub(super) struct Way {
    pub(super) reward: f64,
    pub(super) total: u64,
    /// Its terms are those before this and after the end of the option before.
    pub(super) terms_end: usize,
}

#[derive(Clone, Copy)]
pub(super) struct Term {
    pub(super) unknown: u32,
    pub(super) weight: u64,
}

/// Sweeps between two questions to [`Precision::interrupt`].
const SWEEPS: usize = 64;

/// Which way a result that is not exact is rounded.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    Lower,
    Upper,
}

impl Side {
    fn of(self, bounds: &Bounds) -> f64 {
        match self {
            Side::Lower => bounds.lower,
            Side::Upper => bounds.upper,
        }
    }

    fn outwards(self, value: f64) -> f64 {
        match self {
            Side::Lower => value.next_down().max(0.0),
            Side::Upper => value.next_up(),
        }
    }

    fn add(self, a: f64, b: f64) -> f64 {
        let sum = a + b;
        // What the sum was rounded by (D. Knuth, The Art of Computer Programming 2, 4.2.2, theorem B).
        let part = sum - a;
        let error = (a - (sum - part)) + (b - part);
        let wrong = match self {
            Side::Lower => error < 0.0,
            Side::Upper => error > 0.0,
        };
        if wrong { self.outwards(sum) } else { sum }
    }

    fn times(self, value: f64, factor: u64) -> f64 {
        let product = value * factor as f64;
        if factor.is_power_of_two() || value == 0.0 { product } else { self.outwards(product) }
    }

    fn over(self, value: f64, divisor: u64) -> f64 {
        let quotient = value / divisor as f64;
        let exact = value == 0.0 || divisor == 1 || divisor.is_power_of_two() && quotient >= f64::MIN_POSITIVE;
        if exact { quotient } else { self.outwards(quotient) }
    }
}

impl Equations {
    pub(super) fn unknown_count(&self) -> usize {
        self.offsets.len() - 1
    }

    pub(super) fn terms(&self, option: usize) -> &[Term] {
        let start = if option == 0 { 0 } else { self.options[option - 1].terms_end };
        &self.terms[start..self.options[option].terms_end]
    }

    /// What `option` is worth by `value`, with `reward`.
    fn worth(&self, option: usize, reward: f64, side: Side, value: impl Fn(u32) -> f64) -> f64 {
        let sum = match self.terms(option) {
            [term] => value(term.unknown),
            terms => {
                let products = terms.iter().map(|term| side.times(value(term.unknown), term.weight));
                let sum = products.fold(0.0, |sum, product| side.add(sum, product));
                side.over(sum, self.options[option].total)
            }
        };
        side.add(sum, reward)
    }

    fn best(&self, unknown: usize, side: Side) -> Option<f64> {
        let options = self.offsets[unknown]..self.offsets[unknown + 1];
        let worth = |option: usize| {
            self.worth(option, self.options[option].reward, side, |unknown| side.of(&self.bounds[unknown as usize]))
        };
        options.map(worth).reduce(|a, b| match self.extreme {
            Extreme::Min => a.min(b),
            Extreme::Max => a.max(b),
        })
    }

    /// Draws the bounds together until they are as near as asked for, or nothing moves any more.
    pub(super) fn solve(&mut self, precision: &Precision) {
        let mut sweeps = 0;
        loop {
            let (mut moved, mut wide) = (false, false);
            // Backwards, since the goal is mostly far from the start.
            for unknown in (0..self.unknown_count()).rev() {
                let (Some(lower), Some(upper)) = (self.best(unknown, Side::Lower), self.best(unknown, Side::Upper))
                else {
                    continue;
                };
                let bounds = &mut self.bounds[unknown];
                moved |= lower > bounds.lower || upper < bounds.upper;
                *bounds = Bounds { lower: bounds.lower.max(lower), upper: bounds.upper.min(upper) };
                wide |= bounds.width() > precision.width_max * bounds.lower.max(1.0);
            }
            sweeps += 1;
            if !moved || !wide || sweeps % SWEEPS == 0 && (precision.interrupt)().is_some() {
                return;
            }
        }
    }

    /// By unknown, more steps than are expected until something known is reached, if of each unknown only the option in
    /// `policy` is taken, or any where that is `None`. A guess, verified to be one more than what it leads to in one
    /// step. It comes to an end where what is known is reached almost surely; `None` if it was interrupted.
    pub(super) fn steps_max(&self, policy: Option<&[usize]>, precision: &Precision) -> Option<Vec<f64>> {
        let options = |unknown: usize| match policy {
            _ if self.offsets[unknown] == self.offsets[unknown + 1] => 0..0,
            Some(policy) => policy[unknown]..policy[unknown] + 1,
            None => self.offsets[unknown]..self.offsets[unknown + 1],
        };
        let most = |unknown: usize, steps: &[f64], side| {
            let worth = |option| self.worth(option, 1.0, side, |unknown| steps[unknown as usize]);
            options(unknown).map(worth).reduce(f64::max).unwrap_or(0.0)
        };
        let count = self.unknown_count();
        let mut steps = vec![0.0; count];
        let mut sweeps = 0;
        loop {
            let mut grown: f64 = 0.0;
            for unknown in (0..count).rev() {
                let more = most(unknown, &steps, Side::Lower);
                grown = grown.max(more - steps[unknown]);
                steps[unknown] = more;
            }
            // If a step adds less than a half, it adds less than 1 to twice as much: with T for one more than what is
            // led to, T(2s + 1) ≤ 2 T(s) < 2s + 1. So the guess fails to be verified by rounding alone, and a sweep
            // later it is better.
            if grown < 0.5 {
                let known = |unknown: usize| options(unknown).is_empty();
                let guess: Vec<f64> =
                    (0..count).map(|unknown| if known(unknown) { 0.0 } else { 2.0 * steps[unknown] + 1.0 }).collect();
                if (0..count).all(|unknown| most(unknown, &guess, Side::Upper) <= guess[unknown]) {
                    return Some(guess);
                }
            }
            sweeps += 1;
            if sweeps % SWEEPS == 0 && (precision.interrupt)().is_some() {
                return None;
            }
        }
    }

    /// By unknown, an option that leads to what is known almost surely, if all unknowns have one: each has a branch to
    /// an unknown that was given its option before.
    pub(super) fn proper_policy(&self) -> Option<Vec<usize>> {
        let count = self.unknown_count();
        let mut policy: Vec<Option<usize>> =
            (0..count).map(|unknown| (self.offsets[unknown] == self.offsets[unknown + 1]).then_some(0)).collect();
        loop {
            let before = policy.iter().flatten().count();
            for unknown in (0..count).rev() {
                if policy[unknown].is_none() {
                    let mut options = self.offsets[unknown]..self.offsets[unknown + 1];
                    policy[unknown] = options
                        .find(|option| self.terms(*option).iter().any(|term| policy[term.unknown as usize].is_some()));
                }
            }
            if policy.iter().flatten().count() == before {
                return policy.into_iter().collect();
            }
        }
    }
}
