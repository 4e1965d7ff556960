//! How processes meet: each calls those before it and is called by those after it, and they tell one another what they are
//! about to do. What differs is named before anything is explored together.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::{ClusterConfig, ClusterError};

/// Something that has to be the same in all processes, and what it is here.
pub(super) type Fact = (String, String);

#[derive(Serialize, Deserialize)]
struct Hello {
    process: usize,
    facts: Vec<Fact>,
}

/// What begins a hello: whoever says something else is not of a cluster.
const GREETING: &[u8; 20] = b"counterpart cluster\n";
const HELLO_BYTES_MAX: u32 = 1 << 20;
/// How long a caller may take to say who it is.
const HELLO_WAIT: Duration = Duration::from_secs(5);
/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(10);

/// A socket for each process but this one.
pub(super) fn meet(
    config: &ClusterConfig,
    listener: &TcpListener,
    facts: &[Fact],
) -> Result<Vec<Option<TcpStream>>, ClusterError> {
    let meeting = Meeting { config, facts, until: Instant::now() + config.wait };
    let mut sockets: Vec<Option<TcpStream>> = config.addresses.iter().map(|_| None).collect();
    for (process, socket) in sockets.iter_mut().enumerate().take(config.process) {
        *socket = Some(meeting.call(process)?);
    }
    listener.set_nonblocking(true).map_err(|error| meeting.absent(config.process, &error.to_string()))?;
    while let Some(missing) = (config.process + 1..sockets.len()).find(|process| sockets[*process].is_none()) {
        match listener.accept() {
            Ok((socket, _)) => {
                if let Some((process, socket)) = meeting.answer(socket)? {
                    if sockets[process].is_some() {
                        return Err(ClusterError::Hosts { what: format!("process {process} was started twice") });
                    }
                    sockets[process] = Some(socket);
                }
            }
            Err(_) if Instant::now() < meeting.until => std::thread::sleep(PAUSE),
            Err(_) => return Err(meeting.absent(missing, "nobody called")),
        }
    }
    Ok(sockets)
}

struct Meeting<'a> {
    config: &'a ClusterConfig,
    facts: &'a [Fact],
    until: Instant,
}

impl Meeting<'_> {
    /// Calls a process until it answers.
    fn call(&self, process: usize) -> Result<TcpStream, ClusterError> {
        loop {
            let why = match self.called(process) {
                Ok((socket, hello)) => {
                    if hello.process != process {
                        let what = format!("at {} is process {}", self.config.addresses[process], hello.process);
                        return Err(ClusterError::Hosts { what });
                    }
                    self.compare(&hello)?;
                    return Ok(socket);
                }
                Err(error) => error.to_string(),
            };
            if Instant::now() >= self.until {
                return Err(self.absent(process, &why));
            }
            std::thread::sleep(PAUSE);
        }
    }

    fn called(&self, process: usize) -> io::Result<(TcpStream, Hello)> {
        let addresses = self.config.addresses[process].to_socket_addrs()?;
        let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for address in addresses {
            match TcpStream::connect_timeout(&address, self.rest()) {
                Ok(mut socket) => {
                    self.say(&mut socket)?;
                    let hello = hear(&mut socket, self.rest())?;
                    return Ok((socket, hello));
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Who calls, unless it is somebody else.
    fn answer(&self, mut socket: TcpStream) -> Result<Option<(usize, TcpStream)>, ClusterError> {
        let heard = socket.set_nonblocking(false).and_then(|()| hear(&mut socket, self.rest().min(HELLO_WAIT)));
        let hello = match heard.and_then(|hello| self.say(&mut socket).map(|()| hello)) {
            Ok(hello) => hello,
            Err(error) => {
                tracing::warn!(%error, "somebody called who is not of the cluster");
                return Ok(None);
            }
        };
        self.compare(&hello)?;
        if hello.process <= self.config.process || hello.process >= self.config.addresses.len() {
            let what = format!("process {} called process {}", hello.process, self.config.process);
            return Err(ClusterError::Hosts { what });
        }
        Ok(Some((hello.process, socket)))
    }

    fn say(&self, socket: &mut TcpStream) -> io::Result<()> {
        let text = serde_json::to_vec(&Hello { process: self.config.process, facts: self.facts.to_vec() })?;
        let length = u32::try_from(text.len()).map_err(io::Error::other)?;
        socket.set_nodelay(true)?;
        socket.write_all(&[&GREETING[..], &length.to_be_bytes(), &text].concat())
    }

    fn compare(&self, hello: &Hello) -> Result<(), ClusterError> {
        let theirs = hello.facts.iter().map(Some).chain(std::iter::repeat(None));
        for ((what, ours), theirs) in self.facts.iter().zip(theirs) {
            let theirs = theirs.filter(|(name, _)| name == what).map_or("(not told)", |(_, theirs)| theirs);
            if theirs != ours {
                let address = self.config.addresses.get(hello.process).cloned().unwrap_or_default();
                return Err(ClusterError::Differs {
                    process: hello.process,
                    address,
                    what: what.clone(),
                    ours: ours.clone(),
                    theirs: theirs.into(),
                });
            }
        }
        Ok(())
    }

    fn rest(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now()).max(PAUSE)
    }

    fn absent(&self, process: usize, why: &str) -> ClusterError {
        let address = self.config.addresses[process].clone();
        ClusterError::Absent { process, address, wait: self.config.wait, why: why.into() }
    }
}

/// What the other one says.
fn hear(socket: &mut TcpStream, wait: Duration) -> io::Result<Hello> {
    socket.set_read_timeout(Some(wait))?;
    let (mut greeting, mut length) = ([0; GREETING.len()], [0; 4]);
    socket.read_exact(&mut greeting)?;
    socket.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length);
    if greeting != *GREETING || length > HELLO_BYTES_MAX {
        return Err(io::Error::other("it is not of a cluster"));
    }
    let mut text = vec![0; length as usize];
    socket.read_exact(&mut text)?;
    socket.set_read_timeout(None)?;
    Ok(serde_json::from_slice(&text)?)
}
