//! nginx's `limit_req`: the generic cell rate algorithm, its clock moved on by ticks.
//!
//! What it limits is passed on to a second server of the same process: a location that answers by itself is not limited.
//! Real time passes too, as much as the requests take; a tick is many seconds, so that this changes no answer.

use counterpart::Counterpart;
use counterpart::conform::process::Process;
use counterpart_models::rate_limiter::conformance::{Answer, LimiterInterface};
use counterpart_models::rate_limiter::model::{Action, Limiter, Variant};

use super::check;
use crate::alongside::Alongside;
use crate::clock::Clock;
use crate::daemon::{Daemon, Folder, NGINX, ask, connect, free_port};
use crate::nginx;

const DAEMON: &Daemon = &NGINX;

/// A rate as nginx is told it, and how long a tick is, so that a model's interval is what the rate says.
#[derive(Clone, Copy)]
struct Rate {
    words: &'static str,
    tick_s: u64,
}

pub(super) fn cases() -> Vec<Alongside> {
    // One in ten seconds, and two ticks between cells.
    let six = Rate { words: "6r/m", tick_s: 5 };
    // One in a minute, and two ticks between cells.
    let one = Rate { words: "1r/m", tick_s: 30 };
    let with_burst = Limiter { keys: 2, ..Limiter::gcra(4, 2, 2) };
    let without = Limiter::gcra(4, 2, 1);
    [
        Alongside::new(
            DAEMON,
            "rate_limiter/nginx_limit_req",
            "`limit_req`, 6 a minute, `burst=1 nodelay`, two keys",
            check(DAEMON, with_burst, move |model| LimitReq::start(model, six)),
        ),
        Alongside::deviating(
            DAEMON,
            "rate_limiter/nginx_once_a_minute",
            "`limit_req`, 1 a minute",
            check(DAEMON, without.clone(), move |model| LimitReq::start(model, one)),
            "a minute after the last request that was admitted one more is due, and is denied: a rate is kept in whole \
                     thousandths of a request a second, and 1 a minute is 16 of them, one in 62.5 seconds",
        ),
        Alongside::new(
            DAEMON,
            "rate_limiter/nginx_once_a_minute_but_for_its_rate",
            "the same, where a request is due later than the rate says",
            check(DAEMON, without.with(Variant::RoundsRateDown), move |model| LimitReq::start(model, one)),
        ),
    ]
    .map(Alongside::by_our_clock)
    .into()
}

/// nginx, and the keys of one run.
struct LimitReq {
    port: u16,
    rate: Rate,
    clock: Clock,
    _process: Process,
    _folder: Folder,
}

impl LimitReq {
    fn start(model: &Limiter, rate: Rate) -> Self {
        let folder = Folder::new();
        let clock = Clock::relative_in(&folder);
        let (port, behind) = (free_port(), free_port());
        let burst = match model.burst - 1 {
            0 => String::new(),
            more => format!(" burst={more} nodelay"),
        };
        let http = format!(
            "limit_req_zone $arg_key zone=keys:1m rate={};
             server {{ listen 127.0.0.1:{port};
                 location / {{ limit_req zone=keys{burst}; proxy_pass http://127.0.0.1:{behind}; }} }}
             server {{ listen 127.0.0.1:{behind}; location / {{ return 204; }} }}",
            rate.words
        );
        LimitReq { port, rate, _process: nginx::start(&folder, &http, Some(&clock)), clock, _folder: folder }
    }
}

impl Counterpart<LimiterInterface> for LimitReq {
    fn apply(&mut self, input: &Action) -> Answer {
        match *input {
            Action::Check { key, .. } => {
                let request = format!("GET /?key={key} HTTP/1.1\r\nHost: loopback\r\nConnection: close\r\n\r\n");
                let answer = ask(connect(self.port), &request).expect("nginx answers");
                match answer.get(9..12) {
                    Some("204") => Answer::Admitted,
                    Some("503") => Answer::Denied,
                    _ => panic!("nginx answers {answer}"),
                }
            }
            Action::Tick => {
                self.clock.advance(self.rate.tick_s);
                Answer::Done
            }
            Action::Collect | Action::SetQuota { .. } => panic!("{input:?} is nothing that nginx can be told"),
        }
    }
}
