//! unbound, as an iterator before one zone.

use counterpart_models::dns::model::{Cache, Content, Soa, Stale, Variant};

use super::authority::{Bench, authority};
use super::{Resolver, one_client};
use crate::alongside::Alongside;
use crate::clock::Clock;
use crate::daemon::{Daemon, Folder, UNBOUND, WITHIN, free_port};

const DAEMON: &Daemon = &UNBOUND;

pub(super) fn cases() -> Vec<Alongside> {
    let resolver = Resolver { daemon: DAEMON, start };
    [ends(&resolver), denials(&resolver), created(&resolver)].concat()
}

/// A cache that tells what has 0 seconds left.
fn at_zero() -> Cache {
    Cache { serve_at_zero: true, ..one_client() }
}

/// How long an address is told.
fn ends(resolver: &Resolver) -> Vec<Alongside> {
    let of_no_time = Cache { zone: vec![Content::Has { ttl: 0 }], ..at_zero() };
    vec![
        resolver.deviates(
            "unbound_end",
            "a name with an address, TTL 2 and 3, and without",
            one_client(),
            "an answer of TTL n is told for n + 1 seconds: in the last of them with a TTL of 0",
        ),
        resolver.conforms("unbound_end_but_for_the_last_second", "the same, where what has 0 seconds left is told", at_zero()),
        resolver.deviates(
            "unbound_zero",
            "an address with a TTL of 0",
            of_no_time.clone(),
            "the answer was told, and is asked for again in the same second: what may be kept for no time is not kept, though \
             what has 0 seconds left is told",
        ),
        resolver.conforms(
            "unbound_zero_but_for_keeping",
            "the same, where what has a TTL of 0 is not kept",
            of_no_time.with(Variant::KeepsNothingForZero),
        ),
    ]
}

/// How long a denial is told, and of what.
fn denials(resolver: &Resolver) -> Vec<Alongside> {
    let zone = vec![Content::Absent, Content::Has { ttl: 2 }];
    let denials = Cache { questions: 3, zone, ..at_zero() };
    let by_type = denials.clone().with(Variant::CoversTypeOnly);
    vec![
        resolver.deviates(
            "unbound_denials",
            "denials of a name, by type and below it",
            denials.clone(),
            "that there is no such name is known, and the same name is asked for by another type: a denial is kept of the \
             name and the type (not as RFC 8020 has it)",
        ),
        resolver.conforms(
            "unbound_denials_but_for_rfc_8020",
            "the same, where a denial covers its type alone and shares the zone's SOA record",
            by_type.clone().with(Variant::SharesSoa),
        ),
        resolver.deviates(
            "unbound_soa",
            "denials of a name, where a denial covers its type alone",
            by_type.clone(),
            "the authority has just denied the second question for a second, and it is told for none: of two denials of a \
             zone the later one lives as long as the SOA record that the earlier one has brought",
        ),
        resolver.conforms(
            "unbound_soa_but_for_sharing",
            "the same, where denials share the zone's SOA record",
            by_type.with(Variant::SharesSoa),
        ),
    ]
}

/// A name that is denied, and then created, where what has ended is told for ever until something takes its place.
fn created(resolver: &Resolver) -> Vec<Alongside> {
    let for_ever = Stale { max: None, client_timer: 0, retry: 1, ttl: 1 };
    let with = |ttl| Cache {
        zone: vec![Content::Absent, Content::Has { ttl }],
        soa: Some(Soa { ttl: 1, minimum: 1 }),
        stale: Some(for_ever),
        ..at_zero().with(Variant::KeepsNothingForZero)
    };
    let keeps_ended = with(0).with(Variant::KeepsEndedOnZeroTtl);
    vec![
        resolver.deviates(
            "unbound_created",
            "serve-expired: a name that is denied, and then created with TTL 0",
            with(0),
            "the name was denied, and now has an address with a TTL of 0; the authority was asked and has said so, and the \
             client is told the denial that has ended: the answer may not be kept, and so what it should replace stays, for \
             ever (unbound's issue 860)",
        ),
        resolver.conforms(
            "unbound_created_but_for_what_stays",
            "the same, where an answer of TTL 0 replaces nothing",
            keeps_ended.clone(),
        ),
        resolver.never_recovers(
            "unbound_recovers",
            "the same: in the end no denial is held of a name that is there",
            keeps_ended,
            "whatever is asked, and however long after, the denial stays (unbound's issue 860)",
        ),
        resolver.recovers(
            "unbound_recovers_but_for_a_ttl_of_0",
            "the same, where the name is created with TTL 1",
            with(1),
        ),
    ]
}

fn start(model: &Cache) -> Bench {
    let folder = Folder::new();
    let clock = Clock::in_folder(&folder);
    let (socket, upstream) = authority();
    let port = free_port();
    let stale = model.stale.map_or(String::new(), |stale| {
        format!("serve-expired: yes\nserve-expired-ttl: 0\nserve-expired-reply-ttl: {}\n", stale.ttl)
    });
    let text = format!(
        "server:\ninterface: 127.0.0.1\nport: {port}\nnum-threads: 1\nusername: \"\"\nchroot: \"\"\n\
         directory: \"{0}\"\npidfile: \"{0}/pid\"\nuse-syslog: no\nlog-time-ascii: no\nverbosity: 1\n\
         module-config: \"iterator\"\ndo-not-query-localhost: no\nqname-minimisation: no\n\
         target-fetch-policy: \"0 0 0 0 0\"\nminimal-responses: yes\ndo-tcp: no\ndo-ip6: no\n\
         infra-cache-min-rtt: {2}\ncache-max-ttl: {1}\ncache-max-negative-ttl: {1}\n{stale}\
         stub-zone:\nname: \"zz.\"\nstub-addr: 127.0.0.1@{upstream}\n\
         remote-control:\ncontrol-enable: no\n",
        folder.path().display(),
        model.ttl_max,
        // It asks nobody again while a test is busy with something else.
        WITHIN.as_millis(),
    );
    let file = folder.write("unbound.conf", &text);
    let mut process = clock
        .leads(&DAEMON.installed_at())
        .arg("-d")
        .arg("-c")
        .arg(file)
        .start()
        .unwrap_or_else(|error| panic!("{error}"));
    process.wait_for(|line| line.contains("start of service"), WITHIN).unwrap_or_else(|error| panic!("{error}"));
    Bench::new(process, folder, clock, socket, port)
}
