//! The daemons, and how one is started: on ports of loopback that were free, in a folder of its own, under a guard.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use counterpart::conform::process::{Process, Program};
use tempfile::TempDir;

/// A daemon as Debian ships it.
#[derive(Debug)]
pub(crate) struct Daemon {
    /// The program.
    pub(crate) program: &'static str,
    /// Debian's package.
    pub(crate) package: &'static str,
    /// The subject's name: the package, and the version, with Debian's revision, that the committed traces are of.
    pub(crate) subject: &'static str,
}

pub(crate) const CHRONYD: Daemon = Daemon { program: "chronyd", package: "chrony", subject: "chrony 4.3-2+deb12u3" };

pub(crate) const HAPROXY: Daemon =
    Daemon { program: "haproxy", package: "haproxy", subject: "haproxy 2.6.12-1+deb12u4" };
pub(crate) const NGINX: Daemon = Daemon { program: "nginx", package: "nginx", subject: "nginx 1.22.1-9+deb12u11" };

pub(crate) const REDIS: Daemon =
    Daemon { program: "redis-server", package: "redis-server", subject: "redis-server 7.0.15-1~deb12u10" };

pub(crate) const UNBOUND: Daemon =
    Daemon { program: "unbound", package: "unbound", subject: "unbound 1.17.1-2+deb12u4" };
pub(crate) const DNSMASQ: Daemon =
    Daemon { program: "dnsmasq", package: "dnsmasq-base", subject: "dnsmasq 2.90-4~deb12u2" };

pub(crate) const NATS: Daemon =
    Daemon { program: "nats-server", package: "nats-server", subject: "nats-server 2.9.10-1+b3" };

pub(crate) const VARNISH: Daemon =
    Daemon { program: "varnishd", package: "varnish", subject: "varnish 7.1.1-2+deb12u1" };

/// No daemon, and yet some do not run without it: see [`clock`](crate::clock).
pub(crate) const FAKETIME: Daemon =
    Daemon { program: "libfaketime.so.1", package: "libfaketime", subject: "libfaketime 0.9.10-2.1" };

/// All of them.
pub(crate) const DAEMONS: &[Daemon] = &[CHRONYD, DNSMASQ, FAKETIME, HAPROXY, NATS, NGINX, REDIS, UNBOUND, VARNISH];

/// Where Debian keeps libfaketime.
const LIBRARIES: [&str; 2] = ["/usr/lib/x86_64-linux-gnu/faketime", "/usr/lib/aarch64-linux-gnu/faketime"];

/// Time for a daemon to be ready, and for anything that it is asked to do. Nothing is waited for as long unless it is
/// stuck.
pub(crate) const WITHIN: Duration = Duration::from_secs(10);

/// Pause between two attempts to reach a daemon that does not say when it is ready.
const PAUSE: Duration = Duration::from_millis(2);

impl Daemon {
    /// Where the program is; `None` if it is not installed.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        // Where Debian keeps them, whether or not that is in the path of whoever asks.
        let libraries = LIBRARIES.map(PathBuf::from);
        let folders = std::env::split_paths(&path).chain(["/usr/sbin", "/usr/bin"].map(PathBuf::from)).chain(libraries);
        folders.map(|folder| folder.join(self.program)).find(|file| file.is_file())
    }

    /// The version, with Debian's revision, that is installed.
    pub(crate) fn installed(&self) -> Option<String> {
        let asked = Command::new("dpkg-query").args(["-W", "-f", "${Version}", self.package]).output().ok()?;
        let version = String::from_utf8(asked.stdout).ok()?;
        // Without the epoch, which no file name shows.
        Some(version.rsplit(':').next()?.to_string()).filter(|version| !version.is_empty())
    }

    /// The program to be started, in `folder`.
    ///
    /// # Panics
    /// If it is not installed.
    pub(crate) fn in_folder(&self, folder: &Folder) -> Program {
        Program::new(self.installed_at()).folder(folder.path())
    }

    /// Where the program is.
    ///
    /// # Panics
    /// If it is not installed.
    pub(crate) fn installed_at(&self) -> PathBuf {
        self.path().unwrap_or_else(|| panic!("{} is not installed", self.program))
    }
}

/// Where Linux keeps files in memory; programs may not be run from there.
const MEMORY: &str = "/dev/shm";

/// A folder of a daemon's own, gone with it.
#[derive(Debug)]
pub(crate) struct Folder(TempDir);

impl Folder {
    /// An empty one: in memory, where the system has room there, so that no daemon waits for a disk, nor reads its clock late.
    /// It outlasts a daemon that is killed, and not the machine.
    pub(crate) fn new() -> Self {
        tempfile::tempdir_in(MEMORY).map_or_else(|_| Folder::on_disk(), Folder)
    }

    /// An empty one, for a daemon that runs what it writes there.
    pub(crate) fn on_disk() -> Self {
        Folder(tempfile::tempdir().expect("a folder for temporary files"))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes the file `name`, and returns where it is.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let file = self.path().join(name);
        fs::write(&file, text).expect("the folder can be written");
        file
    }
}

/// Ports below those that the system gives to whoever asks for any: nobody else's connection takes one meanwhile.
const PORTS: std::ops::Range<u32> = 20_000..30_000;

/// A port of loopback that nobody listens at, and that no other trial was given.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let count = PORTS.end - PORTS.start;
    let begin = std::process::id().wrapping_mul(97);
    let port = || PORTS.start + begin.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % count;
    let is_free = |port: &u16| {
        let address = (Ipv4Addr::LOCALHOST, *port);
        TcpListener::bind(address).is_ok() && UdpSocket::bind(address).is_ok()
    };
    (0..count).map(|_| port() as u16).find(is_free).expect("loopback has a free port")
}

/// What `attempt` gives of a daemon that does not say when it is ready: it is tried again and again, as long as it fails.
///
/// # Panics
/// If the daemon ends, or the attempt fails for too long.
pub(crate) fn once_ready<T>(process: &mut Process, attempt: impl Fn() -> std::io::Result<T>) -> T {
    let until = Instant::now() + WITHIN;
    loop {
        match attempt() {
            Ok(found) => return found,
            Err(error) if Instant::now() > until => panic!("not ready: {error}"),
            Err(_) => process.running().unwrap_or_else(|error| panic!("{error}")),
        }
        std::thread::sleep(PAUSE);
    }
}

/// Connects to a daemon that is ready.
pub(crate) fn connect(port: u16) -> TcpStream {
    patient(TcpStream::connect(("127.0.0.1", port)).unwrap_or_else(|error| panic!("port {port}: {error}")))
}

/// `stream` as everything here reads it: what takes too long is an error.
pub(crate) fn patient(stream: TcpStream) -> TcpStream {
    stream.set_read_timeout(Some(WITHIN)).expect("a time-out");
    stream.set_nodelay(true).expect("a socket");
    stream
}

/// Sends `request`, and reads all that is answered, until the other end closes.
pub(crate) fn ask(mut stream: impl Write + std::io::Read, request: &str) -> std::io::Result<String> {
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Reads the head of a request: up to the empty line.
pub(crate) fn read_head(stream: &TcpStream) -> std::io::Result<String> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(head)
}
