//! A connection to another process that breaks without a word of its own: timely panics where one does, and here it is
//! remembered who was lost, so that whoever waits can say so.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use timely::communication::allocator::zero_copy::stream::Stream;

/// Bytes before each message: six words, of which the fifth is the message's length (`MessageHeader` of
/// timely_communication 0.32).
const HEADER: usize = 48;
const LENGTH_AT: usize = 32;

/// All connections of a process.
pub(super) struct Lines {
    lost: AtomicUsize,
    has_failed: AtomicBool,
    sockets: Mutex<Vec<TcpStream>>,
    /// Whether nobody reads messages any more.
    is_over: (Mutex<bool>, Condvar),
    pub(super) bytes_sent: AtomicU64,
}

const NOBODY: usize = usize::MAX;

impl Lines {
    /// Lines over these sockets, one for each process but this one.
    pub(super) fn over(sockets: Vec<Option<TcpStream>>) -> io::Result<(Arc<Self>, Vec<Option<Line>>)> {
        let clones = sockets.iter().flatten().map(TcpStream::try_clone).collect::<io::Result<_>>()?;
        let lines = Arc::new(Lines {
            lost: AtomicUsize::new(NOBODY),
            has_failed: AtomicBool::new(false),
            sockets: Mutex::new(clones),
            is_over: (Mutex::new(false), Condvar::new()),
            bytes_sent: AtomicU64::new(0),
        });
        let line = |(process, socket): (usize, Option<TcpStream>)| {
            socket.map(|socket| Line { lines: lines.clone(), process, socket, read: Framing::default() })
        };
        let over = sockets.into_iter().enumerate().map(line).collect();
        Ok((lines, over))
    }

    /// A process that ended before its time.
    pub(super) fn lost(&self) -> Option<usize> {
        Some(self.lost.load(Ordering::SeqCst)).filter(|process| *process != NOBODY)
    }

    /// Ends all connections at once, so that no other process takes this one's end for a good one.
    pub(super) fn fail(&self) {
        self.has_failed.store(true, Ordering::SeqCst);
        for socket in &*self.sockets.lock().unwrap_or_else(PoisonError::into_inner) {
            // It may have ended by itself.
            let _ = socket.shutdown(Shutdown::Both);
        }
    }

    pub(super) fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::SeqCst)
    }

    /// Nobody reads messages any more.
    pub(super) fn end(&self) {
        *self.is_over.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.is_over.1.notify_all();
    }

    fn await_end(&self) {
        let is_over = self.is_over.0.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.is_over.1.wait_while(is_over, |is_over| !*is_over));
    }

    fn lose(&self, process: usize) {
        if !self.has_failed() {
            let _ = self.lost.compare_exchange(NOBODY, process, Ordering::SeqCst, Ordering::SeqCst);
        }
    }
}

/// One of them.
pub(super) struct Line {
    lines: Arc<Lines>,
    process: usize,
    socket: TcpStream,
    read: Framing,
}

/// Where in the row of messages a reader is. The last message is an empty one.
#[derive(Default)]
struct Framing {
    header: Vec<u8>,
    /// Of the message that is being read.
    rest: u64,
    has_ended: bool,
}

impl Framing {
    fn pass(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let within = bytes.len().min(usize::try_from(self.rest).unwrap_or(usize::MAX));
            self.rest -= within as u64;
            bytes = &bytes[within..];
            let header = bytes.len().min(HEADER - self.header.len());
            self.header.extend_from_slice(&bytes[..header]);
            bytes = &bytes[header..];
            if let Some(word) = self.header.get(LENGTH_AT..HEADER).and_then(|words| words.first_chunk::<8>()) {
                self.rest = u64::from_be_bytes(*word);
                self.has_ended = self.rest == 0;
                self.header.clear();
            }
        }
    }

    /// What is missing of a good end, so that whoever reads comes to one: the rest of a message, and the empty message.
    fn end(&mut self, buffer: &mut [u8]) -> usize {
        let missing = match (self.rest, self.header.len()) {
            (0, _) => HEADER - self.header.len(),
            (rest, _) => usize::try_from(rest).unwrap_or(usize::MAX),
        };
        let zeroes = missing.min(buffer.len());
        buffer[..zeroes].fill(0);
        self.pass(&vec![0; zeroes]);
        zeroes
    }
}

impl Read for Line {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.socket.read(buffer) {
            Ok(count) if count > 0 => {
                self.read.pass(&buffer[..count]);
                Ok(count)
            }
            _ if self.read.has_ended => Ok(0),
            _ => {
                self.lines.lose(self.process);
                // What is made up is not to be read by anybody.
                self.lines.await_end();
                Ok(self.read.end(buffer))
            }
        }
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.lines.has_failed() {
            return Ok(bytes.len());
        }
        match self.socket.write(bytes) {
            Ok(count) => {
                self.lines.bytes_sent.fetch_add(count as u64, Ordering::Relaxed);
                Ok(count)
            }
            Err(_) => {
                self.lines.lose(self.process);
                Ok(bytes.len())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Stream for Line {
    fn try_clone(&self) -> io::Result<Self> {
        let socket = self.socket.try_clone()?;
        Ok(Line { lines: self.lines.clone(), process: self.process, socket, read: Framing::default() })
    }

    fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.socket.set_nonblocking(nonblocking)
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        // It may have ended by itself.
        let _ = self.socket.shutdown(how);
        Ok(())
    }
}
