//! What a balancer is told to be, whatever its policy, and what makes none.

use thiserror::Error;

use super::ServerId;

/// What holds for every policy.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Config {
    /// Outlier ejection; `None`: failures take nobody out.
    pub outliers: Option<Outliers>,
    /// Below this share of eligible servers requests go to all, in percent, 0 to 100; 0: never.
    pub panic_percent: u8,
    /// In which a server that comes back grows to its weight; 0: it has it at once.
    pub slow_start_us: u64,
    /// What retries may cost; `None`: as many as there are.
    pub retries: Option<RetryBudget>,
    /// What a server is expected to take before it has answered.
    pub expected_us: u64,
    /// An estimate loses half of what it is above the newest answer for each such time that it is old; 1 or more.
    pub half_life_us: u64,
    /// A failure is taken for an answer that took at least so long.
    pub failure_us: u64,
}

/// When a server is taken out because its answers are failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Outliers {
    /// In a row; 1 or more.
    pub failures: u32,
    /// For so long.
    pub ejection_us: u64,
    /// At most this share of the list, in percent, 0 to 100, rounded down.
    pub ejected_max_percent: u8,
}

/// A bucket of tokens: each first attempt that is sent puts one in, each retry that is sent takes some out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RetryBudget {
    /// That a retry takes: 5 are retries of a fifth of the requests. 1 or more.
    pub cost: u32,
    /// That the bucket holds; at least the cost.
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
        /// As given.
        value: u64,
        /// At least.
        min: u64,
        /// At most.
        max: u64,
    },
    /// A server that is listed twice.
    #[error("server {0:?} is listed twice")]
    Twice(ServerId),
}

pub(super) fn within(field: &'static str, value: u64, min: u64, max: u64) -> Result<(), ConfigError> {
    if (min..=max).contains(&value) { Ok(()) } else { Err(ConfigError::OutOfRange { field, value, min, max }) }
}

impl Config {
    pub(super) fn validated(self) -> Result<Self, ConfigError> {
        within("panic_percent", self.panic_percent.into(), 0, 100)?;
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
