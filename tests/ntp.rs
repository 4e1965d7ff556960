//! Time: the bytes of packets, the ends of eras, hostile datagrams, and the figures of selection, pinned.

mod figures;
#[cfg(feature = "peers-heavy-ntp")]
mod heavy;
mod hostile;
mod leap;
mod sockets;
mod sources;

use std::collections::BTreeSet;

use counterpart_models::ntp::implementation::client::Sample;
use counterpart_models::ntp::implementation::packet::{Leap, Mode, Packet, SECONDS_1900_TO_1970, Timestamp, Version};
use counterpart_models::ntp::select::model::{Algorithm, Report, Select, State};
use libtest_mimic::Trial;
use stateright::Model as _;

use crate::claim;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = vec![
        claim("ntp::era_1_begins_on_8_february_2036", eras),
        claim("ntp::a_difference_does_not_care_for_eras", differences),
        claim("ntp::no_half_of_an_offset_is_lost", halves),
        claim("ntp::a_packet_stands_where_the_rfc_puts_it", layout),
        claim("ntp::selection_fails_as_often_as_it_was_measured_to", selection),
    ];
    trials.extend(figures::trials());
    #[cfg(feature = "peers-heavy-ntp")]
    trials.extend(heavy::trials());
    trials.extend(hostile::trials());
    trials.extend(leap::trials());
    trials.extend(sockets::trials());
    trials.extend(sources::trials());
    trials
}

/// Figure 4 of RFC 5905: 1 January 1970 is 2,208,988,800 s into era 0; 8 February 2036, 06:28:16, begins era 1.
fn eras() {
    assert_eq!(SECONDS_1900_TO_1970, 2_208_988_800);
    assert_eq!(SECONDS_1900_TO_1970, (70 * 365 + 17) * 86_400, "17 leap years from 1900 to 1970");
    assert_eq!(Timestamp::from_unix(0, 0).seconds(), 2_208_988_800);
    let rollover = 2_085_978_496;
    let of_day = rollover % 86_400;
    assert_eq!((of_day / 3_600, of_day % 3_600 / 60, of_day % 60), (6, 28, 16));
    assert_eq!(rollover / 86_400, 24_144 - 1, "days from 1970 to 8 February 2036: 66 years, 17 leap days, 31 + 7 - 1");
    assert_eq!(Timestamp::from_unix(rollover - 1, 0).seconds(), u32::MAX);
    let first = Timestamp::from_unix(rollover, 0);
    assert!(!first.is_unknown(), "the first instant of an era is told, a little late");
    assert_eq!((first.seconds(), first.to_bits()), (0, 1));
}

fn differences() {
    let before = Timestamp::from_unix(2_085_978_495, 500_000_000);
    let after = Timestamp::from_unix(2_085_978_496, 500_000_000);
    assert_eq!(after.since(before), 1 << 32, "one second");
    assert_eq!(before.since(after), -(1 << 32));
    assert_eq!(before.plus(1 << 32), after);
}

/// One unit of 2^-32 s each way: the offset is half a unit, and is told as one of two.
fn halves() {
    let at = |bits| Timestamp::from_bits(bits);
    assert_eq!(Sample::measure(at(100), at(101), at(101), at(101)), (1, 1));
    assert_eq!(
        Sample::measure(at(100), at(101), at(105), at(101)),
        (5, -3),
        "a server that claims more than there was"
    );
    assert_eq!(Sample::measure(at(u64::MAX), at(2), at(2), at(3)), (3 - 1, 4));
}

fn layout() {
    let packet = Packet {
        leap: Leap::Delete,
        version: Version::new(4).expect("four is a version"),
        mode: Mode::Server,
        stratum: 2,
        poll: 6,
        precision: -20,
        root_delay: 0x0001_8000,
        root_dispersion: 0x0000_4000,
        reference_id: *b"GPS\0",
        reference: Timestamp::from_bits(0x0102_0304_0506_0708),
        origin: Timestamp::from_bits(0x1112_1314_1516_1718),
        receive: Timestamp::from_bits(0x2122_2324_2526_2728),
        transmit: Timestamp::from_bits(0x3132_3334_3536_3738),
    };
    let bytes = packet.encode();
    assert_eq!(bytes[..4], [0b10_100_100, 2, 6, 0xec]);
    assert_eq!(bytes[4..16], [0, 1, 0x80, 0, 0, 0, 0x40, 0, b'G', b'P', b'S', 0]);
    assert_eq!((bytes[16], bytes[24], bytes[32], bytes[40], bytes[47]), (0x01, 0x11, 0x21, 0x31, 0x38));
    assert_eq!(Packet::decode(&bytes), Ok(packet));
}

fn complete(model: &Select) -> Vec<State> {
    let mut states = model.init_states();
    for _ in 0..model.truechimers + model.falsetickers {
        states = states.iter().flat_map(|state| model.next_steps(state).into_iter().map(|(_, next)| next)).collect();
    }
    states
}

fn selection() {
    let half_lie = Select { truechimers: 2, falsetickers: 2, centre_max: 6, ..Select::small(Algorithm::Majority) };
    let figures = [
        (Select::small(Algorithm::Majority), 1_350, 0, 0),
        (half_lie, 13_500, 8_644, 3_686),
        (Select::small(Algorithm::Rfc5905), 1_350, 36, 70),
        (Select::small(Algorithm::Rfc5905Text), 1_350, 36, 364),
        (Select::small(Algorithm::MaxOverlap), 1_350, 650, 0),
    ];
    for (model, cases, missed, nothing) in figures {
        let all = complete(&model);
        let misses = all.iter().filter(|state| model.misses(state)).count();
        let none = all.iter().filter(|state| model.finds_nothing(state)).count();
        assert_eq!((all.len(), misses, none), (cases, missed, nothing), "{:?}", model.algorithm);
    }
    let first = Select::small(Algorithm::MaxOverlap);
    let turned = |report: Report| Report { centre: -report.centre, ..report };
    let mirrored = complete(&first).into_iter().filter(|state| {
        let spans = state.spans();
        let other: Vec<_> = state.reports.iter().flatten().map(|report| turned(*report).span()).collect();
        let found = first.algorithm.select(&spans).map(|(low, high)| (-high, -low));
        first.algorithm.select(&other) != found
    });
    assert_eq!(mirrored.count(), 344);
    let rfc = Select::small(Algorithm::Rfc5905);
    let missing: BTreeSet<Vec<(i8, i8)>> =
        complete(&rfc).iter().filter(|state| rfc.misses(state)).map(State::spans).collect();
    assert!(missing.contains(&vec![(-3, 1), (-3, 1), (-3, -1)]));
}
