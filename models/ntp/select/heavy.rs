//! A published selection that wants a newer compiler than this workspace does, unchanged, driven through the same model:
//! rusty_time-core's `select`.
//!
//! It is behind the feature `peers-heavy-ntp`, because it wants Rust 1.95. What it shows are tests and no cases of the
//! catalogue: what the catalogue keeps does not depend on it.

use counterpart::Counterpart;
use rusty_time_core::select::{SourceEstimate, select};

use super::bindings::{Reporting, Selects};
use super::conformance::{SelectInterface, Survivors};
use super::model::{Report, Span};

/// Name of the crate, with its version.
pub const RUSTY_TIME: &str = "rusty_time-core 0.3.1";

#[derive(Clone, Copy)]
struct RustyTime;

impl Selects for RustyTime {
    /// It says who survives, and of the interval nothing.
    fn select(&self, reports: &[Report]) -> (Survivors, Option<Option<Span>>) {
        let estimate = |(id, report): (usize, &Report)| SourceEstimate {
            id,
            offset: report.centre.into(),
            root_distance: report.radius.into(),
            stratum: 1,
        };
        let estimates: Vec<SourceEstimate> = reports.iter().enumerate().map(estimate).collect();
        (select(&estimates).truechimers.iter().map(|server| 1 << server).sum(), None)
    }
}

/// The crate, which is given all reports so far, each time.
pub fn rusty_time() -> impl Counterpart<SelectInterface> + use<> {
    Reporting::new(RustyTime)
}

/// Servers that it believes, by their place in `reports`, 0-based, as bits.
pub fn survivors(reports: &[Report]) -> Survivors {
    RustyTime.select(reports).0
}
