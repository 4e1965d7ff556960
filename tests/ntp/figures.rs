//! Figures that RFC 5905 works out, reckoned anew: its dates, and how uncertainty grows while nothing is heard.

use counterpart_models::ntp::implementation::packet::Timestamp;
use counterpart_models::ntp::select::implementation::{Algorithm, Interval, root_distance, select};
use libtest_mimic::Trial;

use crate::claim;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("ntp::day_by_day_back_to_the_first_julian_day_figure_4_is_right_but_for_two_digits", dates),
        claim("ntp::an_interval_grows_by_15_ppm_of_the_time_in_which_nothing_is_heard", grows),
        claim("ntp::servers_that_differ_agree_once_they_are_old_enough", ages),
    ]
}

const DAY_S: i64 = 86_400;
const S_NS: u64 = 1_000_000_000;

/// Modified Julian day of 1 January 1970.
const UNIX_DAY: i64 = 40_587;

/// Figure 4: modified Julian day, era, seconds of the era. Days run from midnight to midnight.
const FIGURE_4: &[(&str, i64, i64, u32)] = &[
    ("8 Feb 2036", 64_731, 1, 63_104),
    ("31 Dec 1999", 51_543, 0, 3_155_587_200),
    ("1 Jan 1972", 41_317, 0, 2_272_060_800),
    ("1 Jan 1970", 40_587, 0, 2_208_988_800),
    ("1 Jan 1900", 15_020, 0, 0),
    ("31 Dec 1899", 15_019, -1, 4_294_880_896),
    ("15 Oct 1582", -100_840, -3, 2_874_597_888),
    ("4 Oct 1582", -100_851, -3, 2_873_647_488),
    // The figure has 202,939,144 s, which is no midnight (its author has 202,934,144 in his own table).
    ("1 Jan 1", -678_575, -14, 202_934_144),
    // The figure has the day -678,491, which is after the year 1 begins: the year 0, a leap year, is 366 days before that.
    ("1 Jan 0", -678_941, -14, 171_311_744),
    ("1 Jan -1", -679_306, -14, 139_775_744),
    ("1 Jan -4712", -2_400_001, -49, 1_795_583_104),
];

/// A clock is set back a day at a time, over 49 ends of an era.
fn dates() {
    let first = FIGURE_4[0];
    let seconds = (first.1 - UNIX_DAY) * DAY_S;
    let mut clock = Timestamp::from_unix(seconds.unsigned_abs(), 0);
    let (mut day, mut era) = (first.1, first.2);
    for (date, of_day, of_era, of_seconds) in FIGURE_4 {
        while day > *of_day {
            let before = clock.plus(-DAY_S << 32);
            assert_eq!(clock.since(before), DAY_S << 32, "{date}: a day is a day, whatever ends in it");
            era -= i64::from(before.seconds() > clock.seconds());
            (clock, day) = (before, day - 1);
        }
        assert_eq!((day, era, clock.seconds()), (*of_day, *of_era, *of_seconds), "{date}");
    }
}

/// §7.2 has PHI, 15 ppm, and MAXDISP, 16 s, at which a server is as good as none.
fn grows() {
    let after = |age_s: u64| root_distance(0, 0, age_s * S_NS);
    assert_eq!(after(1 << 6), 960_000, "a question every 64 s: 0.96 ms");
    assert_eq!(after(1 << 10), 15_360_000, "one every 1,024 s: 15.36 ms");
    assert_eq!(after(86_400), 1_296_000_000, "a day: 1.3 s");
    assert!(after(1_066_666) < 16 * S_NS && after(1_066_667) >= 16 * S_NS, "after 12 days and 8 hours it is 16 s");
    let (mut before, whole) = (0, root_distance(10, 3, 0));
    for age_s in 1..2_000 {
        let now = root_distance(10, 3, age_s * S_NS);
        assert_eq!(now - whole, 15_000 * age_s, "it is added to half the way and the dispersion that was told");
        assert!(now > before);
        before = now;
    }
}

/// Three servers 20 ms from one another, each right to 5 ms when it was heard: nobody agrees. A clock may have drifted
/// since by 15 ppm, so that 5 ms more on each side come after 333 s.
fn ages() {
    let ms = 1_000_000;
    let found = |age_s: u64| {
        let heard = [-20 * ms, 0, 20 * ms];
        let intervals = heard.map(|offset| Interval::around(offset, root_distance(0, 5_000_000, age_s * S_NS)));
        select(Algorithm::Majority, &intervals)
    };
    assert_eq!((found(0), found(333)), (None, None));
    let span = found(334).expect("two of three touch");
    assert!(span.low <= -10 * ms && span.high >= 10 * ms, "{span:?}");
}
