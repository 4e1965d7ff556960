//! A seeded workload: the ratio and the cost of one and the same run, by policy and capacity.
//!
//! A thousand keys, asked for as Zipf has it (the n-th as often as 1/n); one in twenty costs a hundred times what the
//! others do. All arithmetic is in whole numbers, so that every machine counts the same.

use std::fmt::Write;

use rand_pcg::Pcg64;
use rand_pcg::rand_core::{Rng, SeedableRng};

use super::figure::{Line, Panel, SeriesLabelPosition, draw};
use super::implementation::{Config, Core, Draw, Loaded, Lookup, Policy, Stats};

const KEYS: u32 = 1_000;
const REQUESTS: usize = 20_000;
const SEED: u64 = 1_998;

/// Capacities of the caches that are compared, in values.
pub const CAPACITIES: [u64; 6] = [10, 25, 50, 100, 200, 400];

/// What a load of `key` costs.
fn cost(key: u32) -> u32 {
    if key % 20 == 7 { 100 } else { 1 }
}

/// Runs the workload through our own cache.
///
/// # Panics
/// For a capacity of 0.
pub fn run(policy: Policy, capacity: u64) -> Stats {
    // Time stands still: what goes is what the policy names.
    let config = Config { capacity, policy, jitter_percent: 0, early_percent: 0, ..Config::default() };
    let mut cache = Core::new(config).expect("the capacities drawn are not 0");
    let mut up_to = 0_u64;
    let shares: Vec<u64> = (1..=u64::from(KEYS))
        .map(|rank| {
            up_to += 1_000_000 / rank;
            up_to
        })
        .collect();
    let mut random = Pcg64::seed_from_u64(SEED);
    for _ in 0..REQUESTS {
        let drawn = random.next_u64() % up_to;
        let key = shares.partition_point(|share| *share <= drawn) as u32;
        if let Lookup::Lead(lease) = cache.get(&key, 0, Draw(u32::MAX)) {
            let loaded = Loaded { value: key, size: 1, cost: cost(key), took_ms: 0 };
            cache.finish(lease, loaded, 0, Draw(0));
        }
    }
    cache.stats()
}

const POLICIES: [(&str, Policy); 3] =
    [("LRU", Policy::Lru), ("FIFO", Policy::Fifo), ("GDSF", Policy::Gdsf { frequency_max: 1_000 })];

/// The table of ratio beside cost, for the README.
pub(super) fn table() -> String {
    let mut table = String::from("| capacity | policy | hit ratio | cost of loads |\n|---|---|---|---|\n");
    for capacity in CAPACITIES {
        for (name, policy) in POLICIES {
            let stats = run(policy, capacity);
            let ratio = stats.hits_per_10_000().unwrap_or(0);
            let _ = writeln!(
                table,
                "| {capacity} | {name} | {}.{:02}% | {} |",
                ratio / 100,
                ratio % 100,
                stats.cost_of_loads
            );
        }
    }
    table
}

/// Text of `zipf.svg`.
pub(super) fn svg() -> String {
    let lines = |what: fn(Stats) -> f64| -> Vec<Line> {
        POLICIES
            .iter()
            .map(|(name, policy)| Line {
                name: (*name).into(),
                points: CAPACITIES.iter().map(|capacity| (*capacity as f64, what(run(*policy, *capacity)))).collect(),
            })
            .collect()
    };
    let ratio = |stats: Stats| stats.hits_per_10_000().unwrap_or(0) as f64 / 100.0;
    let cost = |stats: Stats| stats.cost_of_loads as f64 / 1_000.0;
    let panels = [
        Panel {
            title: "hit ratio, in percent",
            from: 0.0,
            to: 100.0,
            names: SeriesLabelPosition::LowerRight,
            lines: lines(ratio),
        },
        Panel {
            title: "cost of the loads of the same run, in thousands",
            from: 0.0,
            to: 100.0,
            names: SeriesLabelPosition::UpperRight,
            lines: lines(cost),
        },
    ];
    draw("capacity, of 1,000 keys", 400.0, &panels)
}
