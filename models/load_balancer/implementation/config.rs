//! Configuration of a balancer, whatever its policy, and what makes none.

use thiserror::Error;

use super::ServerId;

/// Settings that hold for every policy.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Config {
    /// Outlier ejection; `None`: failures take nobody out.
    pub outliers: Option<Outliers>,
    /// Share of eligible servers below which requests go to all, in percent, 0 to 100; 0: never.
    pub panic_percent: u8,
    /// Time in which a server that joins or comes back grows to its weight, in microseconds; 0: it has its weight at
    /// once. Other than 0 it is refused with a policy that reads no weights.
    pub slow_start_us: u64,
    /// Share of its weight that such a server begins with, in percent, 1 to 100.
    pub slow_start_from_percent: u8,
    /// Budget of retries; `None`: there may be as many as callers make.
    pub retries: Option<RetryBudget>,
    /// Time that a server is expected to take before it has answered, in microseconds.
    pub expected_us: u64,
    /// Time in which an estimate loses half of what it is above the newest answer, in microseconds; 1 or more.
    pub half_life_us: u64,
    /// Least time that a failure is taken to have taken, in microseconds.
    pub failure_us: u64,
}

/// When a server is taken out because its answers are failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Outliers {
    /// Failures in a row at which it is taken out; 1 or more.
    pub failures: u32,
    /// Time for which it is taken out, in microseconds.
    pub ejection_us: u64,
    /// Most servers that are out at once, in percent of the list, 0 to 100, rounded down.
    pub ejected_max_percent: u8,
}

/// A bucket of tokens: each first attempt that is sent puts one in, each retry that is sent takes some out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RetryBudget {
    /// Tokens that a retry takes: 5 are retries of a fifth of the requests. 1 or more.
    pub cost: u32,
    /// Tokens that the bucket holds; at least the cost of a retry.
    pub tokens_max: u32,
}

impl Default for Config {
    /// Five failures take a server out for 30 s, at most half of them; panic below half; no slow start; retries for a
    /// fifth of the requests, a hundred at once; a second is expected, forgotten by half every 10 s, and the price of a
    /// failure.
    fn default() -> Self {
        Config {
            outliers: Some(Outliers { failures: 5, ejection_us: 30_000_000, ejected_max_percent: 50 }),
            panic_percent: 50,
            slow_start_us: 0,
            slow_start_from_percent: 10,
            retries: Some(RetryBudget { cost: 5, tokens_max: 500 }),
            expected_us: 1_000_000,
            half_life_us: 10_000_000,
            failure_us: 1_000_000,
        }
    }
}

/// A configuration or a list that makes no balancer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// A number out of range.
    #[error("{field} is {value}, it must be between {min} and {max}")]
    OutOfRange {
        /// The field's name.
        field: &'static str,
        /// The value that was given.
        value: u64,
        /// The least that is allowed.
        min: u64,
        /// The most that is allowed.
        max: u64,
    },
    /// A server is listed twice.
    #[error("server {0:?} is listed twice")]
    Twice(ServerId),
    /// Slow start is asked for, and the policy reads no weights: it would do nothing.
    #[error("slow_start_us is {0}, and the policy reads no weights: a slow start would do nothing")]
    SlowStartWithoutWeights(u64),
}

pub(super) fn within(field: &'static str, value: u64, min: u64, max: u64) -> Result<(), ConfigError> {
    if (min..=max).contains(&value) { Ok(()) } else { Err(ConfigError::OutOfRange { field, value, min, max }) }
}

impl Config {
    pub(super) fn validated(self) -> Result<Self, ConfigError> {
        within("panic_percent", self.panic_percent.into(), 0, 100)?;
        within("slow_start_from_percent", self.slow_start_from_percent.into(), 1, 100)?;
        within("half_life_us", self.half_life_us, 1, u64::MAX)?;
        if let Some(outliers) = self.outliers {
            within("outliers.failures", outliers.failures.into(), 1, u32::MAX.into())?;
            within("outliers.ejected_max_percent", outliers.ejected_max_percent.into(), 0, 100)?;
        }
        if let Some(retries) = self.retries {
            within("retries.cost", retries.cost.into(), 1, u32::MAX.into())?;
            within("retries.tokens_max", retries.tokens_max.into(), retries.cost.into(), u32::MAX.into())?;
        }
        Ok(self)
    }
}
