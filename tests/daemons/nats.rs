//! nats-server as it is started here, and as much of its protocol as is spoken to it: requests, one at a time.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use counterpart::conform::process::Process;

use crate::daemon::{Folder, NATS, WITHIN, connect, free_port};

/// A nats-server with streams in memory. It is started once it is asked for the first time.
#[derive(Clone, Default)]
pub(crate) struct Server(Arc<OnceLock<Started>>);

struct Started {
    port: u16,
    used: AtomicU32,
    _process: Process,
    _folder: Folder,
}

impl Server {
    /// A connection, and the name of a stream that nobody has.
    ///
    /// # Panics
    /// If it does not start, or does not answer.
    pub(crate) fn connect(&self) -> (Nats, String) {
        let Started { port, used, .. } = self.0.get_or_init(Started::new);
        let name = format!("log{}", used.fetch_add(1, Ordering::Relaxed));
        let (connection, answers) = (BufReader::new(connect(*port)), format!("answers.{name}"));
        let settings = "{\"verbose\":false,\"headers\":true,\"no_responders\":true}";
        let hello = format!("CONNECT {settings}\r\nSUB {answers}.* 1\r\n");
        let mut nats = Nats { connection, answers, requests: 0, _server: self.clone() };
        nats.send(&hello);
        (nats, name)
    }
}

impl Started {
    fn new() -> Self {
        let folder = Folder::new();
        let port = free_port();
        let program = NATS.in_folder(&folder).args(["-a", "127.0.0.1", "-js", "-sd"]).arg(folder.path());
        let mut process = program.arg("-p").arg(port.to_string()).start().unwrap_or_else(|error| panic!("{error}"));
        process.wait_for(|line| line.contains("Server is ready"), WITHIN).unwrap_or_else(|error| panic!("{error}"));
        Started { port, used: AtomicU32::new(0), _process: process, _folder: folder }
    }
}

/// A connection.
pub(crate) struct Nats {
    connection: BufReader<TcpStream>,
    /// The subject below which its answers come; nobody else's do.
    answers: String,
    requests: u32,
    // It ends after its connections.
    _server: Server,
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// Where it is to be answered.
    pub(crate) reply_to: Option<String>,
    /// Its headers, the status line included; empty if there are none.
    pub(crate) headers: String,
    pub(crate) text: String,
}

impl Nats {
    /// The answer to `text`, sent to `subject`.
    ///
    /// # Panics
    /// If none comes.
    pub(crate) fn ask(&mut self, subject: &str, text: &str) -> Answer {
        self.requests += 1;
        self.send(&format!("PUB {subject} {}.{} {}\r\n{text}\r\n", self.answers, self.requests, text.len()));
        self.answer().unwrap_or_else(|error| panic!("nats-server, asked {subject} {text}: {error}"))
    }

    /// The same, with headers.
    ///
    /// # Panics
    /// If none comes.
    pub(crate) fn ask_with(&mut self, subject: &str, headers: &[(&str, &str)], text: &str) -> Answer {
        self.requests += 1;
        let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let head = format!("NATS/1.0\r\n{lines}\r\n");
        let (length, whole) = (head.len(), head.len() + text.len());
        let inbox = format!("{}.{}", self.answers, self.requests);
        self.send(&format!("HPUB {subject} {inbox} {length} {whole}\r\n{head}{text}\r\n"));
        self.answer().unwrap_or_else(|error| panic!("nats-server, asked {subject} {text}: {error}"))
    }

    fn send(&mut self, text: &str) {
        self.connection.get_mut().write_all(text.as_bytes()).expect("nats-server is there");
    }

    fn answer(&mut self) -> io::Result<Answer> {
        loop {
            let mut line = String::new();
            if self.connection.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let wrong = || io::Error::new(io::ErrorKind::InvalidData, line.clone());
            let words: Vec<&str> = line.split_whitespace().collect();
            let number = |word: &str| word.parse::<usize>().map_err(|_| wrong());
            // MSG subject sid [reply-to] octets, and with headers HMSG subject sid [reply-to] their octets, all octets.
            let (reply_to, head, whole) = match words[..] {
                ["MSG", _, _, octets] => (None, 0, number(octets)?),
                ["MSG", _, _, reply_to, octets] => (Some(reply_to.to_string()), 0, number(octets)?),
                ["HMSG", _, _, head, whole] => (None, number(head)?, number(whole)?),
                ["HMSG", _, _, reply_to, head, whole] => (Some(reply_to.to_string()), number(head)?, number(whole)?),
                ["PING"] => {
                    self.send("PONG\r\n");
                    continue;
                }
                ["INFO", ..] | ["PONG"] => continue,
                _ => return Err(wrong()),
            };
            let mut octets = vec![0; whole + 2];
            self.connection.read_exact(&mut octets)?;
            let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
            return Ok(Answer { reply_to, headers: text(&octets[..head]), text: text(&octets[head..whole]) });
        }
    }
}
