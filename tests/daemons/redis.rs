//! redis-server as it is started here, and as much of its protocol (RESP, version 2) as is spoken to it.

use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use counterpart::conform::process::Process;

use crate::daemon::{Folder, REDIS, WITHIN, connect, free_port};

/// A redis-server that keeps nothing on disk, with a database for whoever begins anew. It is started once it is asked for
/// the first time.
#[derive(Clone, Default)]
pub(crate) struct Server(Arc<OnceLock<Started>>);

struct Started {
    port: u16,
    used: AtomicU32,
    _process: Process,
    _folder: Folder,
}

/// Databases that it has: each is used once.
const DATABASES: &str = "20000";

/// A connection to a redis-server.
pub(crate) struct Redis {
    connection: BufReader<TcpStream>,
    // It ends after its connections.
    _server: Option<Server>,
}

/// A redis-server that keeps what it confirms in a file first, and can be killed and started again from there. It has one
/// database.
pub(crate) struct Kept {
    /// `None` only while it is started anew.
    process: Option<Process>,
    port: u16,
    folder: Folder,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// A number.
    Number(i64),
    /// Text, of a status or of a value.
    Text(String),
    /// Nothing.
    Nil,
    /// Answers in a row.
    List(Vec<Reply>),
}

impl Reply {
    /// The text.
    ///
    /// # Panics
    /// If it is none.
    pub(crate) fn text(&self) -> &str {
        match self {
            Reply::Text(text) => text,
            other => panic!("redis-server answers {other:?}, where text was expected"),
        }
    }

    /// The number.
    ///
    /// # Panics
    /// If it is none.
    pub(crate) fn number(&self) -> i64 {
        match self {
            Reply::Number(number) => *number,
            other => panic!("redis-server answers {other:?}, where a number was expected"),
        }
    }

    /// The answers in a row; none where there is nothing.
    ///
    /// # Panics
    /// If it is another answer.
    pub(crate) fn list(&self) -> &[Reply] {
        match self {
            Reply::List(list) => list,
            Reply::Nil => &[],
            other => panic!("redis-server answers {other:?}, where a list was expected"),
        }
    }
}

impl Server {
    /// Connects, to a database that nobody has used.
    ///
    /// # Panics
    /// If it does not start, or does not answer.
    pub(crate) fn empty(&self) -> Redis {
        let Started { port, used, .. } = self.0.get_or_init(Started::new);
        let mut redis = Redis { connection: BufReader::new(connect(*port)), _server: Some(self.clone()) };
        redis.ask(&["SELECT", &used.fetch_add(1, Ordering::Relaxed).to_string()]);
        redis
    }
}

impl Started {
    fn new() -> Self {
        let (folder, port) = (Folder::new(), free_port());
        let process = start(&folder, port, &["--appendonly", "no", "--databases", DATABASES]);
        Started { port, used: AtomicU32::new(0), _process: process, _folder: folder }
    }
}

/// Starts one that takes no snapshots.
fn start(folder: &Folder, port: u16, settings: &[&str]) -> Process {
    let program = REDIS.in_folder(folder).args(["--bind", "127.0.0.1", "--save", "", "--port"]).arg(port.to_string());
    let mut process = program.args(settings).start().unwrap_or_else(|error| panic!("{error}"));
    let ready = process.wait_for(|line| line.contains("Ready to accept connections"), WITHIN);
    ready.unwrap_or_else(|error| panic!("{error}"));
    process
}

impl Kept {
    /// One that keeps nothing yet, and a connection to it.
    pub(crate) fn start() -> (Self, Redis) {
        let mut kept = Kept { process: None, port: free_port(), folder: Folder::new() };
        let redis = kept.restart();
        (kept, redis)
    }

    /// Kills it, where it runs, and starts it from its files. A machine that loses its power loses more than that.
    pub(crate) fn restart(&mut self) -> Redis {
        if let Some(process) = self.process.take() {
            process.end();
        }
        let synced = ["--appendonly", "yes", "--appendfsync", "always"];
        self.process = Some(start(&self.folder, self.port, &synced));
        Redis { connection: BufReader::new(connect(self.port)), _server: None }
    }
}

impl Redis {
    /// What it answers to a command.
    ///
    /// # Panics
    /// If it answers with an error, or not at all.
    pub(crate) fn ask(&mut self, command: &[&str]) -> Reply {
        let mut text = format!("*{}\r\n", command.len());
        command.iter().for_each(|word| text += &format!("${}\r\n{word}\r\n", word.len()));
        let sent = self.connection.get_mut().write_all(text.as_bytes());
        let reply = sent.and_then(|()| read(&mut self.connection));
        reply.unwrap_or_else(|error| panic!("redis-server, asked {command:?}: {error}"))
    }
}

fn read(from: &mut impl BufRead) -> io::Result<Reply> {
    let mut line = String::new();
    from.read_line(&mut line)?;
    let wrong = || io::Error::new(io::ErrorKind::InvalidData, format!("{line:?}"));
    let rest = line.get(1..).unwrap_or_default().trim_end();
    let number = || rest.parse::<i64>().map_err(|_| wrong());
    match line.as_bytes().first() {
        Some(b'+') => Ok(Reply::Text(rest.into())),
        Some(b':') => Ok(Reply::Number(number()?)),
        Some(b'$' | b'*') if number()? < 0 => Ok(Reply::Nil),
        Some(b'$') => {
            let mut bytes = vec![0; number()? as usize + 2];
            from.read_exact(&mut bytes)?;
            bytes.truncate(bytes.len() - 2);
            String::from_utf8(bytes).map(Reply::Text).map_err(|_| wrong())
        }
        Some(b'*') => (0..number()?).map(|_| read(from)).collect::<io::Result<_>>().map(Reply::List),
        _ => Err(wrong()),
    }
}
