//! The front beside nginx: requests in a second for an object of 1 KiB that each has in its cache, on loopback, in turns.
//!
//! `cargo bench -p counterpart-models --features cdn-front --bench front`. Where nginx is not installed it says so.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use counterpart_models::cdn::front::{Front, Limits};
use counterpart_models::cdn::implementation::Config;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::{Builder, Runtime};

const NGINX: &str = "/usr/sbin/nginx";
const OBJECT_OCTETS: usize = 1_024;
const CONNECTIONS: usize = 32;
const LASTS: Duration = Duration::from_secs(3);
const ROUNDS: usize = 5;
const REQUEST: &[u8] = b"GET /object HTTP/1.1\r\nhost: bench\r\n\r\n";

fn main() {
    if !Path::new(NGINX).is_file() {
        println!("{NGINX} is not there: nothing to compare with");
        return;
    }
    let origin = origin();
    let folder = std::env::temp_dir().join(format!("front-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for nginx");
    let (mut nginx, of_nginx) = nginx(&folder, origin);
    let of_front = front(origin);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        theirs.push(rate(of_nginx));
        ours.push(rate(of_front));
    }
    nginx.kill().expect("it runs");
    nginx.wait().expect("it was killed");
    std::fs::remove_dir_all(&folder).expect("the folder is there");
    let (ours, theirs) = (median(ours), median(theirs));
    println!("| a second, median of {ROUNDS} | requests | of nginx |\n|---|---|---|");
    println!(
        "| nginx, one process | {theirs:.0} | 1.00 |\n| the front, one thread | {ours:.0} | {:.2} |",
        ours / theirs
    );
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// An origin that says the same to whoever asks, once for each connection.
fn origin() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port of the loopback");
    let address = listener.local_addr().expect("it is bound");
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a client");
            let mut lines = BufReader::new(stream.try_clone().expect("a socket")).lines();
            while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
            let head = format!(
                "HTTP/1.1 200 OK\r\ncache-control: max-age=3600\r\ncontent-length: {OBJECT_OCTETS}\r\nconnection: close\r\n\r\n"
            );
            let answered = stream.write_all(&[head.as_bytes(), &[b'x'; OBJECT_OCTETS]].concat());
            answered.expect("the client is there");
        }
    });
    address
}

fn front(origin: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port of the loopback");
    listener.set_nonblocking(true).expect("a socket");
    let address = listener.local_addr().expect("it is bound");
    thread::spawn(move || {
        runtime().block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a socket");
            let front = Front::new(Config::default(), origin.to_string(), Limits::default());
            front.serve(listener).await.expect("it listens")
        })
    });
    address
}

/// nginx with a cache on disk, in one process, as Debian configures it, with nothing logged.
fn nginx(folder: &Path, origin: SocketAddr) -> (Child, SocketAddr) {
    // A port that was free a moment ago.
    let address = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port");
    let folder = folder.display();
    let text = format!(
        "daemon off;\nmaster_process off;\npid {folder}/pid;\nerror_log stderr notice;\nevents {{ }}\nhttp {{\naccess_log off;\n\
         client_body_temp_path {folder}/body;\nproxy_temp_path {folder}/proxy;\nfastcgi_temp_path {folder}/fastcgi;\n\
         uwsgi_temp_path {folder}/uwsgi;\nscgi_temp_path {folder}/scgi;\nkeepalive_requests 1000000000;\nsendfile on;\ntcp_nopush on;\n\
         proxy_cache_path {folder}/cache keys_zone=all:10m;\n\
         server {{\nlisten {address};\nlocation / {{ proxy_pass http://{origin};\nproxy_cache all; }}\n}}\n}}\n"
    );
    let file = format!("{folder}/nginx.conf");
    std::fs::write(&file, text).expect("a file");
    let mut child =
        Command::new(NGINX).args(["-e", "stderr", "-c", &file]).stderr(Stdio::piped()).spawn().expect("nginx starts");
    let mut said = BufReader::new(child.stderr.take().expect("it is piped"));
    // It listens before it says so.
    let listens = said.by_ref().lines().map_while(Result::ok).any(|line| line.contains("using the \"epoll\""));
    assert!(listens, "nginx does not start");
    thread::spawn(move || said.lines().for_each(drop));
    (child, address)
}

/// Answered requests in a second. The first fills the cache.
fn rate(address: SocketAddr) -> f64 {
    let length = response_octets(address);
    runtime().block_on(async {
        let started = Instant::now();
        let asks = || async move {
            let mut stream = tokio::net::TcpStream::connect(address).await.expect("a server");
            stream.set_nodelay(true).expect("a socket");
            let mut answered = 0_u64;
            // A field such as `Age` may become longer: one response is read to its end.
            let mut buffer = vec![0; length + 64];
            while started.elapsed() < LASTS {
                stream.write_all(REQUEST).await.expect("a server");
                let mut read = 0;
                while !buffer[..read].ends_with(&[b'x'; OBJECT_OCTETS]) {
                    match stream.read(&mut buffer[read..]).await.expect("a server") {
                        0 => panic!("the server has gone"),
                        octets => read += octets,
                    }
                }
                answered += 1;
            }
            answered
        };
        let asking: Vec<_> = (0..CONNECTIONS).map(|_| tokio::spawn(asks())).collect();
        let mut answered = 0;
        for asking in asking {
            answered += asking.await.expect("it does not panic");
        }
        answered as f64 / started.elapsed().as_secs_f64()
    })
}

/// How long a response is that comes from the cache: the second.
fn response_octets(address: SocketAddr) -> usize {
    let ask = || {
        let mut stream = TcpStream::connect(address).expect("a server");
        let request = [&REQUEST[..REQUEST.len() - 2], b"connection: close\r\n\r\n"].concat();
        stream.write_all(&request).expect("a server");
        let mut response = Vec::new();
        stream.read_to_end(&mut response).expect("a server");
        assert!(response.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&response));
        response.len()
    };
    ask();
    ask()
}
