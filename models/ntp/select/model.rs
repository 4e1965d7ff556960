//! Sub-model *select*: servers report intervals one after another, first those that tell the truth, then those that do
//! not, and an algorithm says where the truth lies. It is at 0.
//!
//! The algorithms are written here as a walk over sorted ends, which is how the RFC and the crates tell them; the
//! implementation counts points instead.

use serde::Serialize;
use stateright::{Model, Property};

use super::properties;

/// Most servers that a state has room for.
pub const SERVERS_MAX: usize = 5;

/// The model and its bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Select {
    /// Number of servers that tell the truth: it lies strictly inside their intervals.
    pub truechimers: u8,
    /// Number of servers that do not tell the truth: it lies outside their intervals.
    pub falsetickers: u8,
    /// Half the length of an interval, at most.
    pub radius_max: i8,
    /// Offset of a server that does not tell the truth, at most.
    pub centre_max: i8,
    /// Algorithm that says where the truth lies.
    pub algorithm: Algorithm,
}

/// Algorithm that says where the truth lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Algorithm {
    /// The span of all points that more than half of the intervals cover.
    Majority,
    /// RFC 5905, appendix A.5.5.1: at most as many midpoints outside as falsetickers are allowed.
    Rfc5905,
    /// RFC 5905 §11.2.1: exactly as many midpoints outside as falsetickers are allowed.
    Rfc5905Text,
    /// The first place that as many intervals as possible have in common, if they are more than half.
    MaxOverlap,
    /// The span from the first such place to the last.
    MaxOverlapSpan,
    /// The same span, but two intervals that touch in a point have it in common only if the later one is listed first.
    MaxOverlapAsListed,
    /// A defect: the interval of whoever claims the least error.
    TakesTightest,
}

/// A server reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Report {
    /// Offset of the server.
    pub centre: i8,
    /// Error of the offset at most, either way.
    pub radius: i8,
}

/// Span from one point to another, both included.
pub type Span = (i8, i8);

/// Reports so far, in order.
///
/// Invariants: no server reports before the one that comes before it; those that tell the truth report first, and the
/// truth lies strictly inside their intervals, and outside the others'.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct State {
    /// The reports, by server.
    pub reports: [Option<Report>; SERVERS_MAX],
}

impl Report {
    /// The interval of the report.
    pub fn span(self) -> Span {
        (self.centre - self.radius, self.centre + self.radius)
    }

    pub(super) fn mirrored(self) -> Report {
        Report { centre: -self.centre, ..self }
    }
}

impl State {
    /// Whether the invariants hold.
    fn is_consistent(&self, model: &Select) -> bool {
        let count = self.reports.iter().flatten().count();
        let mut reports = self.reports[..count].iter().enumerate();
        count <= model.servers() && reports.all(|(at, report)| report.is_some_and(|report| model.fits(report, at)))
    }

    /// The intervals of all reports.
    pub fn spans(&self) -> Vec<Span> {
        self.reports.iter().flatten().map(|report| report.span()).collect()
    }
}

/// An end, or a midpoint, of an interval: twice its place, −1 for a low end, 0 for a midpoint, 1 for a high one.
type Point = (i8, i8);

impl Algorithm {
    /// The span in which the truth lies according to this algorithm; `None` if too few agree.
    pub fn select(self, spans: &[Span]) -> Option<Span> {
        let servers = spans.len();
        if self == Algorithm::TakesTightest {
            return spans.iter().copied().min_by_key(|(low, high)| high - low);
        }
        let points = self.sorted(spans);
        if self == Algorithm::Majority {
            let found = ends(&points, servers / 2 + 1);
            return found.map(|(low, high, _)| (low, high));
        }
        let allowed = (0..servers).take_while(|allowed| 2 * allowed < servers);
        for allowed in allowed {
            let Some((low, high, outside)) = ends(&points, servers - allowed) else { continue };
            let found = match self {
                Algorithm::Rfc5905 => (outside <= allowed && low < high).then_some((low, high)),
                Algorithm::Rfc5905Text => (outside == allowed && low < high).then_some((low, high)),
                Algorithm::MaxOverlap => {
                    let first = points.iter().find(|(place, kind)| *kind == 1 && *place >= 2 * low);
                    first.map(|(place, _)| (low, place / 2))
                }
                Algorithm::MaxOverlapSpan | Algorithm::MaxOverlapAsListed => (low <= high).then_some((low, high)),
                Algorithm::Majority | Algorithm::TakesTightest => None,
            };
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// The points of `spans` in order. At one place low ends come first, so that a point in which two intervals touch
    /// belongs to both; or they are left as they are listed.
    fn sorted(self, spans: &[Span]) -> Vec<Point> {
        let mut points: Vec<Point> =
            spans.iter().flat_map(|(low, high)| [(2 * low, -1), (low + high, 0), (2 * high, 1)]).collect();
        if self == Algorithm::MaxOverlapAsListed {
            points.sort_by_key(|(place, _)| *place);
        } else {
            points.sort_unstable();
        }
        points
    }
}

/// The two ends, where `needed` intervals are open on the way up and on the way down, and the number of midpoints
/// passed on the way.
fn ends(points: &[Point], needed: usize) -> Option<(i8, i8, usize)> {
    let mut outside = 0;
    let mut walk = |points: &mut dyn Iterator<Item = &Point>, opens: i8| {
        let mut open = 0_usize;
        for (place, kind) in points {
            if *kind == opens {
                open += 1;
            } else if *kind == -opens {
                open = open.saturating_sub(1);
            } else {
                outside += 1;
            }
            if open >= needed {
                return Some(place / 2);
            }
        }
        None
    };
    let low = walk(&mut points.iter(), -1)?;
    let high = walk(&mut points.iter().rev(), 1)?;
    Some((low, high, outside))
}

impl Select {
    /// A model of one liar among three, as far as intervals of up to six reach.
    pub fn small(algorithm: Algorithm) -> Self {
        Select { truechimers: 2, falsetickers: 1, radius_max: 3, centre_max: 7, algorithm }
    }

    fn servers(&self) -> usize {
        usize::from(self.truechimers + self.falsetickers)
    }

    /// Whether `report` may be that of the server `at`, 0-based: the first ones tell the truth.
    fn fits(&self, report: Report, at: usize) -> bool {
        let Report { centre, radius } = report;
        if at < usize::from(self.truechimers) { centre.abs() < radius } else { centre.abs() > radius }
    }

    /// The intervals, once all have reported.
    fn complete(&self, state: &State) -> Option<Vec<Span>> {
        Some(state.spans()).filter(|spans| spans.len() == self.servers())
    }

    /// Whether `holds` is true of the intervals and of what is believed, once all have reported.
    pub(super) fn judge(&self, state: &State, holds: impl Fn(&[Span], Option<Span>) -> bool) -> bool {
        self.complete(state).is_none_or(|spans| holds(&spans, self.algorithm.select(&spans)))
    }

    /// Whether what is believed misses the truth.
    pub fn misses(&self, state: &State) -> bool {
        !self.judge(state, |_, found| found.is_none_or(holds_truth))
    }

    /// Whether nothing is believed.
    pub fn finds_nothing(&self, state: &State) -> bool {
        !self.judge(state, |_, found| found.is_some())
    }

    pub(super) fn apart(&self, spans: &[Span]) -> bool {
        let (true_ones, others) = spans.split_at(usize::from(self.truechimers));
        others.iter().all(|other| true_ones.iter().all(|one| !touch(*one, *other)))
    }

    /// Whether the order of `spans` makes no difference. They are reversed, and turned by one: between them these make
    /// every order.
    pub(super) fn is_ordered(&self, spans: &[Span], found: Option<Span>) -> bool {
        let mut turned = spans.to_vec();
        (0..spans.len()).all(|_| {
            turned.rotate_left(1);
            let reversed: Vec<Span> = turned.iter().rev().copied().collect();
            self.algorithm.select(&turned) == found && self.algorithm.select(&reversed) == found
        })
    }
}

pub(super) fn holds_truth((low, high): Span) -> bool {
    low <= 0 && 0 <= high
}

pub(super) fn touch(one: Span, other: Span) -> bool {
    one.0 <= other.1 && other.0 <= one.1
}

impl Model for Select {
    type State = State;
    type Action = Report;

    fn init_states(&self) -> Vec<State> {
        vec![State { reports: [None; SERVERS_MAX] }]
    }

    /// Lists the reports of the next server. Servers of one kind are alike: each reports what the one before it did, or
    /// something that comes after.
    fn actions(&self, state: &State, actions: &mut Vec<Report>) {
        let reported = state.reports.iter().flatten().count();
        if reported == self.servers() {
            return;
        }
        let first = reported == 0 || reported == usize::from(self.truechimers);
        let before = (!first).then(|| state.reports[reported - 1]).flatten();
        for radius in 1..=self.radius_max {
            for centre in -self.centre_max..=self.centre_max {
                let report = Report { centre, radius };
                let sorted = before.is_none_or(|before| (before.radius, before.centre) <= (radius, centre));
                if sorted && self.fits(report, reported) {
                    actions.push(report);
                }
            }
        }
    }

    fn next_state(&self, before: &State, report: Report) -> Option<State> {
        let mut after = before.clone();
        *after.reports.iter_mut().find(|slot| slot.is_none())? = Some(report);
        assert!(after.is_consistent(self), "{after:?}");
        Some(after)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all()
    }
}
