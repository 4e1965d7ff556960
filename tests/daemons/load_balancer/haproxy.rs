//! haproxy: weighted round robin, and least connections. Its admin socket says how many requests each server has.

use std::fmt::Write;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Instant;

use counterpart::conform::process::Process;
use counterpart_models::load_balancer::conformance::Seen;
use counterpart_models::load_balancer::model::{Balancer, Policy, Quirk, SERVERS_MAX};

use super::{Running, check, weighted};
use crate::alongside::Alongside;
use crate::daemon::{Daemon, Folder, HAPROXY, WITHIN, ask, free_port, once_ready};
use crate::servers::Servers;

const DAEMON: &Daemon = &HAPROXY;

/// The order in which haproxy gives weights 5, 1, 1 their requests.
const ORDER: &[u8] = &[0, 0, 0, 1, 0, 0, 2];

pub(super) fn cases() -> Vec<Alongside> {
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
    port: u16,
    socket: PathBuf,
    _folder: Folder,
}

impl Haproxy {
    fn said(&self, command: &str) -> String {
        let admin = UnixStream::connect(&self.socket).expect("the admin socket");
        ask(admin, command).expect("the admin socket answers")
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
        let (port, within) = (free_port(), WITHIN.as_secs());
        let file = folder.write(
            "haproxy.cfg",
            &format!(
                "global\n    nbthread 1\n    stats socket {} level admin\n\
                 defaults\n    mode http\n    option httpclose\n    option abortonclose\n    retries 0\n    \
                 timeout connect {within}s\n    timeout client {within}s\n    timeout server {within}s\n\
                 frontend loopback\n    bind 127.0.0.1:{port}\n    default_backend servers\n\
                 backend servers\n    balance {policy}\n{listed}",
                socket.display(),
            ),
        );
        let program = DAEMON.in_folder(&folder).args(["-db", "-f"]).arg(&file);
        let mut process = program.start().unwrap_or_else(|error| panic!("{error}"));
        once_ready(&mut process, || UnixStream::connect(&socket));
        Haproxy { _process: process, port, socket, _folder: folder }
    }

    fn port(&self) -> u16 {
        self.port
    }

    /// A stream is listed as long as it counts for its server.
    fn wait_until_held(&self, requests: usize) {
        let until = Instant::now() + WITHIN;
        let held = || self.said("show sess\n").lines().filter(|line| line.contains(" fe=loopback ")).count();
        while held() > requests {
            assert!(Instant::now() < until, "haproxy holds more than {requests} requests");
        }
    }

    fn seen(&self) -> Option<Seen> {
        let mut seen = Seen { in_flight: [0; SERVERS_MAX], listed: 0, healthy: 0, ejected: 0 };
        let said = self.said("show stat\n");
        // Columns of the table: pxname, svname, qcur, qmax, scur, …, status.
        let rows = said.lines().map(|line| line.split(',').collect::<Vec<_>>());
        for row in rows.filter(|row| row[0] == "servers") {
            let Ok(server) = row[1].parse::<usize>() else { continue };
            seen.in_flight[server] = row[4].parse().expect("a number of sessions");
            seen.listed |= 1 << server;
            let is_up = matches!(row[17], "no check" | "UP");
            seen.healthy |= u8::from(is_up) << server;
        }
        Some(seen)
    }
}
