//! dnsmasq, as a forwarder before one zone.

use counterpart_models::dns::model::{Cache, Content, Soa, Variant};

use super::authority::{Bench, authority};
use super::{Resolver, one_client};
use crate::alongside::Alongside;
use crate::clock::Clock;
use crate::daemon::{DNSMASQ, Daemon, Folder, WITHIN, free_port};

const DAEMON: &Daemon = &DNSMASQ;

pub(super) fn cases() -> Vec<Alongside> {
    let addresses = Cache { zone: vec![Content::Has { ttl: 2 }, Content::Has { ttl: 3 }], ..one_client() };
    let capped = Cache { ttl_max: 1, ..addresses.clone() };
    let zone = vec![Content::Absent, Content::Has { ttl: 2 }];
    let denials = Cache { questions: 3, zone, soa: Some(Soa { ttl: 1, minimum: 1 }), ..one_client() };
    let resolver = Resolver { daemon: DAEMON, start };
    vec![
        resolver.conforms("dnsmasq_end", "a name whose address changes, TTL 2 and 3", addresses),
        resolver.deviates(
            "dnsmasq_cap",
            "the same under `--max-cache-ttl=1`",
            capped.clone(),
            "the bound on a TTL is 1, and whoever has waited for the answer is told 2: the bound is the cache's own, and the \
             next cache keeps the answer for as long as the authority said",
        ),
        resolver.conforms(
            "dnsmasq_cap_but_for_who_waits",
            "the same, where the bound is not told to whoever waits",
            capped.with(Variant::TellsUncapped),
        ),
        resolver.deviates(
            "dnsmasq_denials",
            "denials of a name, by type and below it",
            denials.clone(),
            "that there is no such name is known, and what is below it is asked for at the authority (not as RFC 8020 has it)",
        ),
        resolver.conforms(
            "dnsmasq_denials_but_for_what_is_below",
            "the same, where a denial covers its name alone",
            denials.with(Variant::CoversNameOnly),
        ),
    ]
}

fn start(model: &Cache) -> Bench {
    let folder = Folder::new();
    let clock = Clock::in_folder(&folder);
    let (socket, upstream) = authority();
    let port = free_port();
    let program = clock
        .leads(&DAEMON.installed_at())
        .args(["--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--bind-interfaces"])
        .args(["--listen-address=127.0.0.1", "--log-facility=-", "--user=root", "--pid-file="])
        .arg(format!("--port={port}"))
        .arg(format!("--max-cache-ttl={}", model.ttl_max))
        .arg(format!("--server=/zz/127.0.0.1#{upstream}"));
    let mut process = program.start().unwrap_or_else(|error| panic!("{error}"));
    process.wait_for(|line| line.contains("started, version"), WITHIN).unwrap_or_else(|error| panic!("{error}"));
    Bench::new(process, folder, clock, socket, port)
}
