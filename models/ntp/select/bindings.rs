//! Our own selection and others', bound: it is given all reports so far, each time.

use std::hash::Hash;

use counterpart::Counterpart;

use super::conformance::{SelectInterface, Survivors};
use super::implementation::{Algorithm as Ours, Interval, select};
use super::model::{Algorithm, Report, Span};

/// A selection. Given all reports in order, it says who survives, and what is believed, where it can be read.
pub(super) trait Selects {
    fn select(&self, reports: &[Report]) -> (Survivors, Option<Option<Span>>);
}

/// The reports so far, and the selection that is given them.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Reporting<S> {
    reports: Vec<Report>,
    selects: S,
}

impl<S> Reporting<S> {
    pub(super) fn new(selects: S) -> Self {
        Reporting { reports: Vec::new(), selects }
    }
}

impl<S: Selects> Counterpart<SelectInterface> for Reporting<S> {
    fn apply(&mut self, report: &Report) -> Survivors {
        self.reports.push(*report);
        self.selects.select(&self.reports).0
    }

    fn observe(&self) -> Option<Option<Span>> {
        self.selects.select(&self.reports).1
    }
}

/// Our own selection by an algorithm.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct WithAlgorithm(pub(super) Algorithm);

impl Selects for WithAlgorithm {
    fn select(&self, reports: &[Report]) -> (Survivors, Option<Option<Span>>) {
        let ours = match self.0 {
            Algorithm::Majority => Ours::Majority,
            Algorithm::Rfc5905 => Ours::Rfc5905,
            Algorithm::Rfc5905Text => Ours::Rfc5905Text,
            _ => Ours::MaxOverlap,
        };
        let intervals: Vec<Interval> = reports
            .iter()
            .map(|report| Interval::around(report.centre.into(), report.radius.unsigned_abs().into()))
            .collect();
        let found = select(ours, &intervals);
        let survives = |interval: &Interval| found.is_some_and(|found| found.touches(interval));
        let bits = intervals.iter().enumerate().map(|(server, one)| Survivors::from(survives(one)) << server);
        let narrow = |end: i64| i8::try_from(end).unwrap_or(i8::MAX);
        (bits.sum(), Some(found.map(|found| (narrow(found.low), narrow(found.high)))))
    }
}
