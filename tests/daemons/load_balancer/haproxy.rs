//! haproxy: weighted round robin, and least connections, the latter while a server that was away comes back slowly. Its
//! admin socket says how many requests each server has.
//!
//! haproxy does not believe a clock that has gone on by more than it meant to sleep, and while a server starts slowly it
//! sleeps for a second at most: its clock is moved on by single seconds, and it is asked how long it has been up after
//! each. A second in which nobody asks it anything it counts as well; a weight changes once in [`TICK_S`] / 8 seconds, so
//! that one of them changes nothing.

use std::fmt::Write;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Instant;

use counterpart::conform::Walk;
use counterpart::conform::process::Process;
use counterpart_models::load_balancer::conformance::Seen;
use counterpart_models::load_balancer::model::{Action, Balancer, Policy, Quirk, SERVERS_MAX};

use super::{PLACES, Running, check, runs, weighted};
use crate::alongside::{Alongside, TIMES, walked};
use crate::clock::Clock;
use crate::daemon::{Daemon, Folder, HAPROXY, WITHIN, ask, free_port, once_ready};
use crate::servers::Servers;

const DAEMON: &Daemon = &HAPROXY;

/// The order in which haproxy gives weights 5, 1, 1 their requests.
const ORDER: &[u8] = &[0, 0, 0, 1, 0, 0, 2];

/// How long a tick is, in seconds.
const TICK_S: u64 = 16;

/// The server that goes away and comes back: of two that grow at once nobody says whose weight changes first.
const RETURNS: u8 = 1;

pub(super) fn cases() -> Vec<Alongside> {
    [policies(), slow_start()].concat()
}

/// A server that was away, and has no request where its weight is small. Ties are as haproxy has them.
fn slow_start() -> Vec<Alongside> {
    let model = Balancer {
        health_changes: true,
        panic_percent: 0,
        slow_start_ticks: 2,
        quirks: vec![Quirk::LongestUnchanged],
        ..Balancer::of(Policy::LeastConnections, &[1, 4], 3)
    };
    let own = Balancer { quirks: vec![Quirk::LongestUnchanged, Quirk::GrowsFromSixteenth], ..model.clone() };
    // The transitions are too many to be driven each.
    let walk = Walk::new().runs(60).steps(60).times(TIMES);
    [
        Alongside::deviating(
            DAEMON,
            "load_balancer/haproxy_slowstart",
            "`leastconn` with `slowstart`, weights 1, 4, where the heavy server goes away and comes back",
            check::<Haproxy>(model),
            "the heavy server is back, and each has a request: the third goes to the light one. haproxy gives a server that \
                     comes back a sixteenth of its weight at first, a quarter of a request here, and that cannot be set",
        ),
        Alongside::new(
            DAEMON,
            "load_balancer/haproxy_slowstart_but_for_its_first_weight",
            "the same, where a server begins with a sixteenth of its weight",
            walked(DAEMON, counterpart_models::load_balancer::check(own.clone()), walk.of(runs::<Haproxy>(own))),
        ),
    ]
    .map(Alongside::by_our_clock)
    .into()
}

fn policies() -> Vec<Alongside> {
    let smooth = weighted(Policy::SmoothWeighted);
    let least = Balancer::of(Policy::LeastConnections, &[1, 1, 1], 2);
    let unequal = Balancer::of(Policy::LeastConnections, &[3, 1], 3);
    let unchanged = |model| Balancer { quirks: vec![Quirk::LongestUnchanged], ..model };
    let own = Balancer { quirks: vec![Quirk::Cycle(ORDER)], ..smooth.clone() };
    vec![
        Alongside::deviating(
            DAEMON,
            "load_balancer/haproxy_weighted",
            "smooth weighted round robin, weights 5, 1, 1",
            check::<Haproxy>(smooth),
            "each server has its weight in a cycle, but in another order: the heavy one is given three in a row, \
                     where nginx and this model turn to a light one after two",
        ),
        Alongside::new(
            DAEMON,
            "load_balancer/haproxy_weighted_but_for_its_order",
            "weights 5, 1, 1 in the order a a a b a a c",
            check::<Haproxy>(own),
        ),
        Alongside::deviating(
            DAEMON,
            "load_balancer/haproxy_leastconn",
            "`leastconn`, equal weights",
            check::<Haproxy>(least.clone()),
            "all servers are idle, and the second is chosen: of servers that are equally busy haproxy takes the one \
                     whose count changed longest ago",
        ),
        Alongside::new(
            DAEMON,
            "load_balancer/haproxy_leastconn_but_for_ties",
            "`leastconn`, equal weights, where ties go to the server whose count changed longest ago",
            check::<Haproxy>(unchanged(least)),
        ),
        Alongside::deviating(
            DAEMON,
            "load_balancer/haproxy_leastconn_weighted",
            "`leastconn`, weights 3, 1",
            check::<Haproxy>(unequal.clone()),
            "the server that is three times as strong is idle, and the request goes to the weak one: weights count \
                     among busy servers alone, and an idle one is as good as any other",
        ),
        Alongside::new(
            DAEMON,
            "load_balancer/haproxy_leastconn_weighted_but_for_idle_servers",
            "`leastconn`, weights 3, 1, where idle servers are equal",
            check::<Haproxy>(unchanged(unequal)),
        ),
    ]
}

struct Haproxy {
    _process: Process,
    ports: Vec<u16>,
    socket: PathBuf,
    /// Where servers start slowly.
    clock: Option<Clock>,
    _folder: Folder,
}

impl Haproxy {
    fn said(&self, command: &str) -> String {
        let admin = UnixStream::connect(&self.socket).expect("the admin socket");
        ask(admin, command).expect("the admin socket answers")
    }

    /// Seconds for which it has been up, by its own reckoning.
    fn uptime_s(&self) -> u64 {
        let said = self.said("show info\n");
        let line = said.lines().find_map(|line| line.strip_prefix("Uptime_sec: "));
        line.and_then(|seconds| seconds.parse().ok()).expect("haproxy says how long it has been up")
    }
}

impl Running for Haproxy {
    const DAEMON: &'static Daemon = DAEMON;

    fn start(model: &Balancer, servers: &Servers) -> Self {
        let folder = Folder::new();
        let socket = folder.path().join("admin");
        let policy = if model.policy == Policy::LeastConnections { "leastconn" } else { "roundrobin" };
        let listed: String = servers.ports().iter().zip(&model.weights).enumerate().fold(
            String::new(),
            |mut listed, (server, (port, weight))| {
                let _ = writeln!(listed, "    server {server} 127.0.0.1:{port} weight {weight}");
                listed
            },
        );
        let clock = (model.slow_start_ticks > 0).then(|| Clock::in_folder(&folder));
        let growing_s = u64::from(model.slow_start_ticks) * TICK_S;
        // By a clock that is moved nothing is to take too long.
        let within = if clock.is_some() { 86_400 } else { WITHIN.as_secs() };
        let slowly =
            if clock.is_some() { format!("    default-server slowstart {growing_s}s\n") } else { String::new() };
        let ports: Vec<u16> = (0..PLACES).map(|_| free_port()).collect();
        let place = |(place, port): (usize, &u16)| {
            format!(
                "frontend loopback{place}\n    bind 127.0.0.1:{port}\n    default_backend servers{place}\n\
                 backend servers{place}\n    balance {policy}\n{listed}"
            )
        };
        let places: String = ports.iter().enumerate().map(place).collect();
        let file = folder.write(
            "haproxy.cfg",
            &format!(
                "global\n    nbthread 1\n    stats socket {} level admin\n\
                 defaults\n    mode http\n    option httpclose\n    option abortonclose\n    retries 0\n    \
                 timeout connect {within}s\n    timeout client {within}s\n    timeout server {within}s\n{slowly}\
                 {places}",
                socket.display(),
            ),
        );
        let program = match &clock {
            Some(clock) => clock.leads(&DAEMON.installed_at()),
            None => DAEMON.in_folder(&folder),
        };
        let mut process = program.args(["-db", "-f"]).arg(&file).start().unwrap_or_else(|error| panic!("{error}"));
        once_ready(&mut process, || UnixStream::connect(&socket));
        Haproxy { _process: process, ports, socket, clock, _folder: folder }
    }

    fn ports(&self) -> &[u16] {
        &self.ports
    }

    /// A stream is listed as long as it counts for its server.
    fn wait_until_held(&self, place: usize, requests: usize) {
        let until = Instant::now() + WITHIN;
        let of_place = format!(" fe=loopback{place} ");
        let held = || self.said("show sess\n").lines().filter(|line| line.contains(&of_place)).count();
        while held() > requests {
            assert!(Instant::now() < until, "haproxy holds more than {requests} requests");
        }
    }

    fn takes(&self, input: &Action) -> bool {
        self.clock.is_some() && matches!(input, Action::Tick | Action::SetHealth { server: RETURNS, .. })
    }

    fn undergo(&mut self, place: usize, input: &Action) {
        match *input {
            Action::SetHealth { server, healthy } => {
                let state = if healthy { "ready" } else { "maint" };
                let said = self.said(&format!("set server servers{place}/{server} state {state}\n"));
                assert!(said.trim().is_empty(), "{said}");
            }
            _ => {
                let (began, until) = (Instant::now(), self.uptime_s() + TICK_S);
                while self.uptime_s() < until {
                    assert!(began.elapsed() < WITHIN, "haproxy does not follow its clock");
                    self.clock.as_mut().expect("a clock that is moved").advance(1);
                }
            }
        }
    }

    fn seen(&self, place: usize) -> Option<Seen> {
        let mut seen = Seen { in_flight: [0; SERVERS_MAX], listed: 0, healthy: 0, ejected: 0 };
        let (ours, is_server) = (format!("servers{place}"), 4);
        let said = self.said(&format!("show stat {ours} {is_server} -1\n"));
        // Columns of the table: pxname, svname, qcur, qmax, scur, …, status.
        let rows = said.lines().map(|line| line.split(',').collect::<Vec<_>>());
        for row in rows.filter(|row| row[0] == ours) {
            let Ok(server) = row[1].parse::<usize>() else { continue };
            seen.in_flight[server] = row[4].parse().expect("a number of sessions");
            seen.listed |= 1 << server;
            let is_up = matches!(row[17], "no check" | "UP");
            seen.healthy |= u8::from(is_up) << server;
        }
        Some(seen)
    }
}
