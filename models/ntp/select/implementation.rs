//! The selection of several servers to believe, by what enough of their intervals have in common.
//!
//! A server's interval is its offset and as much on either side as it may be wrong by (half the round trip and the
//! dispersion, [`root_distance`]). Whoever tells the truth has it in the interval; so where more than half tell the
//! truth, it lies where more than half of the intervals do. What is believed is the span of such places.

/// Interval in which a server says that the truth lies, both ends included. The unit is any, the same for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Interval {
    /// Lower end, not above `high`.
    pub low: i64,
    /// Upper end, not below `low`.
    pub high: i64,
}

impl Interval {
    /// The interval of `offset` and `distance` on either side, as far as 64 bits go.
    pub fn around(offset: i64, distance: u64) -> Self {
        Interval { low: offset.saturating_sub_unsigned(distance), high: offset.saturating_add_unsigned(distance) }
    }

    /// Whether the two have a point in common.
    pub fn touches(&self, other: &Interval) -> bool {
        self.low <= other.high && other.low <= self.high
    }

    fn middle_doubled(&self) -> i128 {
        i128::from(self.low) + i128::from(self.high)
    }
}

/// Algorithm that finds what enough of the intervals have in common.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// The span of all points that more than half of the intervals cover (K. Marzullo 1984). The truth is inside as
    /// long as fewer than half lie.
    #[default]
    Majority,
    /// RFC 5905, appendix A.5.5.1: as few liars as possible, and no more midpoints outside than liars. It may miss the
    /// truth with one liar among three.
    Rfc5905,
    /// RFC 5905 §11.2.1, the text: exactly as many midpoints outside as liars. Finds nothing more often.
    Rfc5905Text,
    /// The first place that as many as possible have in common, if they are more than half. What published crates do.
    MaxOverlap,
}

/// The interval in which the truth lies according to `algorithm`; `None` if too few agree. Takes quadratic time, for
/// there are few servers, and allocates nothing.
pub fn select(algorithm: Algorithm, intervals: &[Interval]) -> Option<Interval> {
    match algorithm {
        Algorithm::Majority => held_by(intervals, intervals.len() / 2 + 1),
        Algorithm::Rfc5905 => fewest_liars(intervals, |outside, liars| outside <= liars),
        Algorithm::Rfc5905Text => fewest_liars(intervals, |outside, liars| outside == liars),
        Algorithm::MaxOverlap => {
            let most = intervals.iter().map(|interval| covering(intervals, interval.low)).max()?;
            let low = held_by(intervals, most).filter(|_| 2 * most > intervals.len())?.low;
            let high = intervals.iter().map(|interval| interval.high).filter(|high| *high >= low).min()?;
            Some(Interval { low, high })
        }
    }
}

/// Number of `intervals` that hold `point`.
fn covering(intervals: &[Interval], point: i64) -> usize {
    intervals.iter().filter(|interval| (interval.low..=interval.high).contains(&point)).count()
}

/// The span from the first to the last point that `needed` of the intervals hold; `None` if there is no such point. It
/// holds the truth if `needed` of them do.
pub fn held_by(intervals: &[Interval], needed: usize) -> Option<Interval> {
    let enough = |point: &i64| covering(intervals, *point) >= needed;
    let low = intervals.iter().map(|interval| interval.low).filter(enough).min()?;
    let high = intervals.iter().map(|interval| interval.high).filter(enough).max()?;
    Some(Interval { low, high })
}

fn fewest_liars(intervals: &[Interval], fits: impl Fn(usize, usize) -> bool) -> Option<Interval> {
    (0..intervals.len()).take_while(|liars| 2 * liars < intervals.len()).find_map(|liars| {
        let found = held_by(intervals, intervals.len() - liars).filter(|found| found.low < found.high)?;
        let below = |interval: &&Interval| interval.middle_doubled() < 2 * i128::from(found.low);
        let above = |interval: &&Interval| interval.middle_doubled() > 2 * i128::from(found.high);
        let outside = intervals.iter().filter(below).count() + intervals.iter().filter(above).count();
        fits(outside, liars).then_some(found)
    })
}

/// Distance of a server's offset from the truth, at most, in nanoseconds: half the round trip to its reference clock
/// and all dispersion on the way (RFC 5905 §11.2). Dispersion grows by 15 ppm as long as nothing new is heard.
pub fn root_distance(round_trip_ns: u64, dispersion_ns: u64, age_ns: u64) -> u64 {
    let drift_ns = u128::from(age_ns) * u128::from(super::super::implementation::FREQUENCY_TOLERANCE_PPM) / 1_000_000;
    let drift_ns = u64::try_from(drift_ns).unwrap_or(u64::MAX);
    (round_trip_ns / 2).saturating_add(dispersion_ns).saturating_add(drift_ns)
}
