//! Our own hosts with one defect each: their laps and their sums are what is shipped, but for one thing.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use ndarray::Array4;

use super::conformance::Tolerance;
use super::implementation::{Next, Plan, Way};
use super::numbers::{Block, Met, Numbers, Ours, Sums};

/// The mask of the block whose number is that of the step.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MasksByStep(Ours);

impl Sums for MasksByStep {
    fn none(numbers: &Arc<Numbers>, host: usize) -> Self {
        MasksByStep(Ours::none(numbers, host))
    }

    fn compute(&mut self, met: Met<'_>) {
        self.0.add(met.step, met.block);
    }

    fn tolerance(&self, home: Option<&Block>) -> Tolerance {
        self.0.tolerance(home)
    }
}

/// What lands while a host computes lands in the buffer that it computes with: keys were read before, values are after.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OneBuffer(Ours);

impl Sums for OneBuffer {
    fn none(numbers: &Arc<Numbers>, host: usize) -> Self {
        OneBuffer(Ours::none(numbers, host))
    }

    fn compute(&mut self, met: Met<'_>) {
        let mut torn = met.block.clone();
        if let Some(landed) = met.landed {
            torn.values.clone_from(&landed.values);
        }
        self.0.add(met.origin, &mut torn);
    }

    fn tolerance(&self, home: Option<&Block>) -> Tolerance {
        self.0.tolerance(home)
    }
}

/// Weights are taken against the greatest score so far, and those of before are left as they are when it grows.
#[derive(Clone)]
pub struct ForgetsToRescale {
    numbers: Arc<Numbers>,
    host: usize,
    /// Per head and row: the greatest score so far, and the sum of weights.
    sums: Vec<Vec<(f32, f32)>>,
    weighed: Array4<f32>,
}

impl ForgetsToRescale {
    fn bits(&self) -> impl Iterator<Item = u32> {
        let sums = self.sums.iter().flatten().flat_map(|(most, sum)| [*most, *sum]);
        sums.chain(self.weighed.iter().copied()).map(f32::to_bits)
    }
}

impl Sums for ForgetsToRescale {
    fn none(numbers: &Arc<Numbers>, host: usize) -> Self {
        let (_, heads, rows, _) = numbers.queries(host).dim();
        let columns = numbers.block(host).values.dim().3;
        ForgetsToRescale {
            numbers: numbers.clone(),
            host,
            sums: vec![vec![(f32::NEG_INFINITY, 0.0); rows]; heads],
            weighed: Array4::zeros((1, heads, rows, columns)),
        }
    }

    fn compute(&mut self, met: Met<'_>) {
        let queries = self.numbers.queries(self.host);
        let (_, _, keys, width) = met.block.keys.dim();
        for (h, rows) in self.sums.iter_mut().enumerate() {
            for (row, (most, sum)) in rows.iter_mut().enumerate() {
                let sees = |key: &usize| self.numbers.sees((self.host, row), (met.origin, *key));
                let product = |key: usize, c: usize| queries[[0, h, row, c]] * met.block.keys[[0, 0, key, c]];
                let score = |key: usize| (0..width).map(|c| product(key, c)).sum::<f32>() / (width as f32).sqrt();
                *most = (0..keys).filter(sees).map(score).fold(*most, f32::max);
                for key in (0..keys).filter(sees) {
                    let weight = (score(key) - *most).exp();
                    *sum += weight;
                    for (c, value) in met.block.values.slice(ndarray::s![0, 0, key, ..]).iter().enumerate() {
                        self.weighed[[0, h, row, c]] += weight * value;
                    }
                }
            }
        }
    }

    fn tolerance(&self, _: Option<&Block>) -> Tolerance {
        let mut out = self.weighed.clone();
        for ((_, h, row, _), value) in out.indexed_iter_mut() {
            *value /= self.sums[h][row].1;
        }
        self.numbers.tolerance(self.host, &[&out])
    }
}

impl fmt::Debug for ForgetsToRescale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForgetsToRescale").field("host", &self.host).finish_non_exhaustive()
    }
}

impl PartialEq for ForgetsToRescale {
    fn eq(&self, other: &Self) -> bool {
        self.host == other.host && self.bits().eq(other.bits())
    }
}

impl Eq for ForgetsToRescale {}

impl Hash for ForgetsToRescale {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.host.hash(state);
        self.bits().for_each(|bits| bits.hash(state));
    }
}

/// With an even number of hosts the block from opposite is waited for, and computed with, from both sides.
pub fn from_both_sides(plan: &Plan, host: usize) -> Vec<Vec<Next>> {
    let mut programme = plan.programme(host);
    let last = programme.len() - 1;
    for (step, ops) in programme.iter_mut().enumerate().skip(last - 1) {
        let doubled = |op: &Next| match *op {
            Next::Post(Way::Up) => vec![*op, Next::Post(Way::Down)],
            Next::AwaitTaken(Way::Up) => vec![*op, Next::AwaitTaken(Way::Down)],
            Next::Ask(Way::Up) => vec![*op, Next::Ask(Way::Down)],
            Next::AwaitGiven(Way::Up) => vec![*op, Next::AwaitGiven(Way::Down)],
            Next::Compute(Way::Up) if step == last => vec![*op, Next::Compute(Way::Down)],
            _ => vec![*op],
        };
        *ops = ops.iter().flat_map(doubled).collect();
    }
    programme
}
