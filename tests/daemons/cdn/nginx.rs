//! nginx as a cache, its clock moved on by ticks: how long a life is, and where it begins.

use counterpart::conform::process::Process;
use counterpart_models::cdn::model::{Purge, Variant};

use super::{Cache, Life, check};
use crate::alongside::Alongside;
use crate::clock::Clock;
use crate::daemon::{Daemon, Folder, NGINX, ask, connect, free_port};
use crate::nginx;

const DAEMON: &Daemon = &NGINX;

pub(super) fn cases() -> Vec<Alongside> {
    let of_life = |ttl| Purge { edges: 1, updates_max: 0, ttl: Some(ttl), ..Purge::small() };
    let own = |ttl| of_life(ttl).with(Variant::CollapsesFirstFillAlone);
    [
        Alongside::deviating(
            DAEMON,
            "cdn/nginx_life",
            "an edge below a shield, content that is good for a tick of ten seconds, where a life begins anew at each tier",
            check::<Nginx>(of_life(1).with(Variant::BeginsLifeAnew), Some(Life::AsItIs)),
            "a life of ten seconds is over after eleven: in the last of them what is as old as it may become is served",
        ),
        Alongside::new(
            DAEMON,
            "cdn/nginx_life_but_for_its_end",
            "the same, where the origin says a second less, and a life begins anew at each tier",
            check::<Nginx>(own(1), Some(Life::ASecondLess)),
        ),
        Alongside::deviating(
            DAEMON,
            "cdn/nginx_age",
            "content that is good for two ticks, and the origin says a second less",
            check::<Nginx>(of_life(2), Some(Life::ASecondLess)),
            "what was a tick on its way counts as new at the shield, and again at the edge: neither the age of an answer nor its \
                     delay is reckoned, so that a life begins anew at each tier (not as RFC 9111 has it, §4.2.3)",
        ),
        Alongside::new(
            DAEMON,
            "cdn/nginx_age_but_for_new_lives",
            "the same, where a life begins anew at each tier",
            check::<Nginx>(own(2), Some(Life::ASecondLess)),
        ),
        Alongside::deviating(
            DAEMON,
            "cdn/nginx_ended",
            "content that is good for three ticks, where a life begins anew at each tier",
            check::<Nginx>(of_life(3).with(Variant::BeginsLifeAnew), Some(Life::ASecondLess)),
            "somebody fetches it already, and whoever asks is sent on all the same: `proxy_cache_lock` is for what was never \
                     stored, and what has ended is fetched as often as it is asked for",
        ),
        Alongside::new(
            DAEMON,
            "cdn/nginx_ended_but_for_later_fills",
            "the same, where what has ended is fetched by everybody who asks",
            check::<Nginx>(own(3), Some(Life::ASecondLess)),
        ),
    ]
    .map(Alongside::by_our_clock)
    .into()
}

struct Nginx {
    port: u16,
    _process: Process,
    _folder: Folder,
}

/// A path that is answered at once, and by nobody else.
const BARRIER: &str = "/barrier";

impl Nginx {
    fn barrier(&self) {
        let request = format!("GET {BARRIER} HTTP/1.1\r\nHost: loopback\r\nConnection: close\r\n\r\n");
        let answer = ask(connect(self.port), &request).expect("nginx answers");
        assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
    }
}

impl Cache for Nginx {
    const DAEMON: &'static Daemon = DAEMON;

    fn start(upstream: u16, clock: Option<&Clock>) -> Self {
        let (folder, port) = (Folder::new(), free_port());
        let kept = folder.path().display();
        let http = format!(
            "proxy_cache_path {kept}/kept keys_zone=kept:1m use_temp_path=off;
             server {{ listen 127.0.0.1:{port};
                 location = {BARRIER} {{ return 204; }}
                 location / {{ proxy_pass http://127.0.0.1:{upstream};
                     proxy_cache kept; proxy_cache_lock on; proxy_cache_lock_timeout 1h; proxy_cache_lock_age 1h; }} }}"
        );
        let process = nginx::start(&folder, &http, clock);
        Nginx { port, _process: process, _folder: folder }
    }

    fn port(&self) -> u16 {
        self.port
    }

    /// One process does one thing after the other: what came before the barrier was looked at, and what it wants sent on
    /// was sent when the second is answered.
    fn has_put_aside_more_than(&self, _: u64) -> bool {
        self.barrier();
        self.barrier();
        true
    }

    fn purge(&self, path: &str) {
        panic!("nginx has no command that takes {path} out of its cache");
    }
}
