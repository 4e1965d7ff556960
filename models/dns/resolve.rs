//! The resolver that is checked, on sockets: `resolve --listen 127.0.0.1:PORT --root ADDRESS[:PORT] [--port PORT]`.
//!
//! It walks down from the servers of the root that it is given (`--root` may be said again for each) and asks all other
//! servers at `--port`, which is 53 if it is not said. `--stale` tells what has ended where nothing better can be had.
//! What means nothing is told on stderr, with the reason.

use std::net::{IpAddr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;

use counterpart_models::dns::implementation::front::{Bounds, Front, FrontError, monotonic_clock};
use counterpart_models::dns::implementation::settings::Settings;
use counterpart_models::dns::implementation::{Config, Stale};

const USAGE: &str = "usage: resolve --listen ADDRESS:PORT --root ADDRESS[:PORT] [--root …] [--port PORT] [--stale]";

fn main() -> ExitCode {
    match arguments(std::env::args().skip(1)) {
        Ok((listen, settings)) => match serve(listen, settings) {
            Ok(()) => {
                eprintln!("{listen}: the socket has failed");
                ExitCode::FAILURE
            }
            Err(error) => {
                eprintln!("{error}");
                ExitCode::FAILURE
            }
        },
        Err(wrong) => {
            eprintln!("{wrong}\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn arguments(mut given: impl Iterator<Item = String>) -> Result<(SocketAddr, Settings), String> {
    let (mut listen, mut roots, mut port, mut stale) = (None, Vec::new(), 53, None);
    while let Some(name) = given.next() {
        if name == "--stale" {
            stale = Some(Stale::default());
            continue;
        }
        let value = given.next().ok_or(format!("{name} wants a value"))?;
        match name.as_str() {
            "--listen" => listen = Some(value.parse().map_err(|_| format!("{value} is no address with a port"))?),
            "--root" => roots.push(root(&value).ok_or(format!("{value} is no address"))?),
            "--port" => {
                let number = value.parse().ok().filter(|port| *port > 0);
                port = number.ok_or(format!("{value} is no port"))?;
            }
            _ => return Err(format!("{name} is not known")),
        }
    }
    if roots.is_empty() {
        return Err("--root is missing".into());
    }
    let cache = Config { stale, ..Config::default() };
    Ok((listen.ok_or("--listen is missing")?, Settings { cache, port, ..Settings::new(roots) }))
}

fn root(text: &str) -> Option<SocketAddr> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(|ip| (ip, 53).into()))
}

fn serve(listen: SocketAddr, settings: Settings) -> Result<(), FrontError> {
    let report = Arc::new(|from, why: &_| eprintln!("{from}: {why}"));
    let front = Front::start(listen, settings, Bounds::default(), monotonic_clock(), report)?;
    eprintln!("listening at {}", front.address());
    front.wait();
    Ok(())
}
