//! The server that is checked, on a socket: `timeserver --listen 127.0.0.1:PORT [--stratum 1..15]`.
//!
//! It serves the system's clock as if nothing stood above it, so that other clients can be pointed at it. What is no
//! question is told on stderr, with the reason, and not answered.

use std::net::SocketAddr;
use std::process::ExitCode;

use counterpart_models::ntp::implementation::server::Condition;
use counterpart_models::ntp::implementation::udp::{UdpServer, system_clock};

const USAGE: &str = "usage: timeserver --listen ADDRESS:PORT [--stratum 1..15]";

fn main() -> ExitCode {
    match arguments(std::env::args().skip(1)) {
        Ok((listen, stratum)) => match serve(listen, stratum) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{listen}: {error}");
                ExitCode::FAILURE
            }
        },
        Err(wrong) => {
            eprintln!("{wrong}\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn arguments(mut given: impl Iterator<Item = String>) -> Result<(SocketAddr, u8), String> {
    let (mut listen, mut stratum) = (None, 10);
    while let Some(name) = given.next() {
        let value = given.next().ok_or(format!("{name} wants a value"))?;
        match name.as_str() {
            "--listen" => listen = Some(value.parse().map_err(|_| format!("{value} is no address with a port"))?),
            "--stratum" => {
                let number = value.parse().ok().filter(|number| (1..=15).contains(number));
                stratum = number.ok_or(format!("{value} is no stratum from 1 to 15"))?;
            }
            _ => return Err(format!("{name} is not known")),
        }
    }
    Ok((listen.ok_or("--listen is missing")?, stratum))
}

fn serve(listen: SocketAddr, stratum: u8) -> std::io::Result<()> {
    let mut server = UdpServer::bind(listen, Condition::local(stratum, system_clock()))?;
    eprintln!("listening at {}", server.address()?);
    loop {
        let served = server.serve_one(system_clock)?;
        if let Err(unanswered) = served.outcome {
            eprintln!("{}: not answered, {unanswered}", served.client);
        }
    }
}
