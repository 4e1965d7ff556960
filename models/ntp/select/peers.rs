//! Published selection, unchanged, driven through the same model.

use std::net::SocketAddr;

use counterpart::Case;
use counterpart::conform::Tour;
use rtime_core::clock::LeapIndicator;
use rtime_core::marzullo::intersect;
use rtime_core::source::{SourceId, SourceMeasurement};
use rtime_core::timestamp::{NtpDuration, NtpTimestamp};

use super::bindings::{Reporting, Selects};
use super::check;
use super::conformance::Survivors;
use super::model::{Algorithm, Report, Select, Span};

const RTIME: &str = "rtime-core 0.15.1";

#[derive(Clone, Copy)]
struct Rtime;

/// Units of the crate's durations in one unit of the model's: any power of two.
const UNIT: i128 = 1 << 32;

impl Selects for Rtime {
    fn select(&self, reports: &[Report]) -> (Survivors, Option<Option<Span>>) {
        let measured: Vec<SourceMeasurement> = reports.iter().map(measurement).collect();
        let found = intersect(&measured);
        let bits = found.truechimers.iter().map(|server| 1 << server).sum();
        let whole = |end: NtpDuration| i8::try_from(end.raw() / UNIT).unwrap_or(i8::MAX);
        // An empty intersection has no ends: it writes zeros.
        let span = (!found.truechimers.is_empty()).then(|| (whole(found.low), whole(found.high)));
        (bits, Some(span))
    }
}

fn measurement(report: &Report) -> SourceMeasurement {
    let units = |ticks: i8| NtpDuration::from_raw(i128::from(ticks) * UNIT);
    SourceMeasurement {
        id: SourceId::Ntp { address: SocketAddr::from(([127, 0, 0, 1], 123)), reference_id: 0 },
        offset: units(report.centre),
        delay: NtpDuration::ZERO,
        dispersion: units(report.radius),
        jitter: 0.0,
        stratum: 1,
        leap_indicator: LeapIndicator::NoWarning,
        root_delay: NtpDuration::ZERO,
        root_dispersion: NtpDuration::ZERO,
        time: NtpTimestamp::ZERO,
    }
}

/// The cases of published crates.
pub(super) fn cases() -> Vec<Case> {
    let toured = || Tour::new().of(|| Reporting::new(Rtime));
    let beside = |algorithm| check(Select::small(algorithm)).alongside_only().subject(RTIME, toured());
    vec![
        Case::new("ntp/select_rtime", beside(Algorithm::MaxOverlap)),
        Case::new(
            "ntp/select_rtime_and_majority",
            beside(Algorithm::Majority).diverges(RTIME).because(
                RTIME,
                "it believes the first place that as many as possible have in common and nothing beside it; the truth may \
                 lie where another majority agrees",
            ),
        ),
        Case::new(
            "ntp/select_rtime_and_rfc_5905",
            beside(Algorithm::Rfc5905).diverges(RTIME).because(
                RTIME,
                "its documentation names RFC 5905 §11.2.1, and it counts no midpoints",
            ),
        ),
        Case::new(
            "ntp/select_rtime_and_its_mirror",
            beside(Algorithm::MaxOverlapSpan).diverges(RTIME).because(
                RTIME,
                "of two places that equally many have in common it takes the earlier: on the other side of 0 it would be \
                 the other one",
            ),
        ),
    ]
}
