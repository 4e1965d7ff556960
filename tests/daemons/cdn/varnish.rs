//! Varnish: what is purged while it is being fetched.

use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use counterpart::conform::process::Process;
use counterpart_models::cdn::model::{Purge, Variant};

use super::{Cache, check};
use crate::alongside::Alongside;
use crate::clock::Clock;
use crate::daemon::{Daemon, Folder, VARNISH, WITHIN, ask, connect, free_port, once_ready};

const DAEMON: &Daemon = &VARNISH;

pub(super) fn cases() -> Vec<Alongside> {
    let joining = Purge { edges: 1, variant: Variant::DiscardsOldReadAlone, ..Purge::small() };
    let without_epochs = Purge { edges: 1, epochs: false, ..Purge::small() };
    vec![
        Alongside::deviating(
            DAEMON,
            "cdn/varnish_purge",
            "an edge below a shield, content that is purged; whoever asks waits for the fill that is under way",
            check::<Varnish>(joining, None),
            "the purge came while the shield fetched, and was answered; what the shield had read before it is stored after it, and \
                     served",
        ),
        Alongside::new(
            DAEMON,
            "cdn/varnish_purge_but_for_fills_in_flight",
            "the same, where a fill that began before a purge is stored after it",
            check::<Varnish>(without_epochs, None),
        ),
    ]
}

struct Varnish {
    port: u16,
    working: PathBuf,
    _process: Process,
    _folder: Folder,
}

impl Cache for Varnish {
    const DAEMON: &'static Daemon = DAEMON;

    fn start(upstream: u16, _: Option<&Clock>) -> Self {
        let folder = Folder::on_disk();
        let rules = folder.write(
            "rules.vcl",
            &format!(
                "vcl 4.1;\nbackend above {{ .host = \"127.0.0.1\"; .port = \"{upstream}\"; }}\n\
                 sub vcl_recv {{ if (req.method == \"PURGE\") {{ return (purge); }} }}\n"
            ),
        );
        let (port, working) = (free_port(), folder.path().join("working"));
        let (address, patience) = (format!("127.0.0.1:{port}"), format!("connect_timeout={}", WITHIN.as_secs()));
        let program =
            DAEMON.in_folder(&folder).arg("-F").arg("-n").arg(&working).args(["-a", &address, "-f"]).arg(rules);
        let mut process =
            program.args(["-s", "malloc,16m", "-p", &patience]).start().unwrap_or_else(|error| panic!("{error}"));
        // The child that listens is ready later than its parent says.
        once_ready(&mut process, || TcpStream::connect(("127.0.0.1", port)));
        Varnish { port, working, _process: process, _folder: folder }
    }

    fn port(&self) -> u16 {
        self.port
    }

    /// Requests asleep on a busy object. A worker adds to the counter when it has put the request aside.
    fn put_aside(&self) -> u64 {
        let [asleep] = self.counters(["MAIN.busy_sleep"]);
        asleep
    }

    fn has_put_aside_more_than(&self, before: u64) -> bool {
        self.put_aside() > before
    }

    /// A purge marks what is stored as ended, and a thread of its own takes it away. Asked in between, Varnish asks the
    /// server above whether what was purged is still the same; so this waits until it is gone.
    fn purge(&self, path: &str) {
        let counters = || self.counters(["MAIN.n_expired", "MAIN.n_obj_purged", "MAIN.n_purges"]);
        let [_, _, before] = counters();
        let request = format!("PURGE {path} HTTP/1.1\r\nHost: loopback\r\nConnection: close\r\n\r\n");
        let answer = ask(connect(self.port), &request).expect("varnish answers");
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        let until = Instant::now() + WITHIN;
        while let [gone, purged, purges] = counters()
            && (purges == before || gone < purged)
        {
            assert!(Instant::now() < until, "what was purged is not taken away");
        }
    }
}

impl Varnish {
    /// What it counts under these names.
    fn counters<const N: usize>(&self, names: [&str; N]) -> [u64; N] {
        let mut asked = Command::new("varnishstat");
        asked.arg("-1").arg("-n").arg(&self.working).args(names.iter().flat_map(|name| ["-f", name]));
        let said = asked.output().expect("varnishstat comes with varnishd").stdout;
        let said = String::from_utf8_lossy(&said);
        let count = |name: &str| {
            let line = said.lines().find(|line| line.split_whitespace().next() == Some(name))?;
            line.split_whitespace().nth(1)?.parse().ok()
        };
        names.map(|name| count(name).unwrap_or_else(|| panic!("varnishstat does not tell {name}: {said}")))
    }
}
