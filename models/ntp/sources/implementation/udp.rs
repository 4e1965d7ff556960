//! The client of several servers on sockets, one for each: all are asked at once, so that none waits for another.

use std::io;
use std::net::ToSocketAddrs;
use std::time::Duration;

use super::super::super::implementation::client::{Nonces, Received};
use super::super::super::implementation::packet::Timestamp;
use super::super::super::implementation::udp::{AskError, Line};
use super::{Config, Sources};

/// A client of several servers, each on a socket that is connected to it.
#[derive(Debug)]
pub struct UdpSources {
    core: Sources,
    lines: Vec<Line>,
}

impl UdpSources {
    /// A client of the servers at `addresses`, numbered as they are listed.
    ///
    /// # Errors
    /// An address is none, or no socket can be had.
    pub fn connect(addresses: impl IntoIterator<Item = impl ToSocketAddrs>, config: Config) -> io::Result<Self> {
        let lines = addresses.into_iter().map(Line::connect).collect::<io::Result<Vec<Line>>>()?;
        Ok(UdpSources { core: Sources::new(config, lines.len()), lines })
    }

    /// The core, which is to be told of time that goes by, and of steps of the clock.
    pub fn core(&mut self) -> &mut Sources {
        &mut self.core
    }

    /// Asks every server for which it is time, each on a thread of its own, and waits for `timeout` at most. `nonces` are
    /// random bits, drawn for each. Returns what came of each server, in their order.
    pub fn ask_all(
        &mut self,
        clock: impl Fn() -> Timestamp + Sync,
        mut nonces: impl FnMut() -> Nonces,
        timeout: Duration,
    ) -> Vec<Result<Received, AskError>> {
        let clock = &clock;
        std::thread::scope(|scope| {
            let asked: Vec<_> = self
                .core
                .sources
                .iter_mut()
                .zip(&mut self.lines)
                .map(|(source, line)| {
                    let nonces = nonces();
                    scope.spawn(move || {
                        let received = line.ask(&mut source.client, clock, nonces, timeout)?;
                        source.keep(&received);
                        Ok(received)
                    })
                })
                .collect();
            let lost = || AskError::Io(io::Error::other("the thread that asked has panicked"));
            asked.into_iter().map(|asked| asked.join().unwrap_or_else(|_| Err(lost()))).collect()
        })
    }
}
