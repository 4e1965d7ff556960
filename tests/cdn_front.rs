//! The HTTP front on loopback: hostile requests, lying and hanging origins, slow clients, what is stored and what is not.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use counterpart_models::cdn::front::{Front, Limits};
use counterpart_models::cdn::implementation::{Config, Purge, Target};
use libtest_mimic::Trial;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::claim;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        claim("cdn_front::what_is_malformed_is_refused", || on_the_clock(refused())),
        claim("cdn_front::a_response_is_stored_once_and_purged", || on_the_clock(stored())),
        claim("cdn_front::six_misses_at_once_are_one_request", || on_the_clock(collapsed())),
        claim("cdn_front::a_purge_overtakes_a_fill_in_flight", || on_the_clock(overtaken())),
        claim("cdn_front::an_origin_that_lies_stores_nothing", || on_the_clock(lies())),
        claim("cdn_front::what_is_too_large_is_refused", || on_the_clock(large())),
        claim("cdn_front::an_origin_that_hangs_is_given_up", || paused(hangs())),
        claim("cdn_front::a_slow_client_is_given_up", || paused(slow())),
    ]
}

fn on_the_clock(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(test);
}

/// Time passes only while everybody waits.
fn paused(test: impl Future<Output = ()>) {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().start_paused(true).build().expect("a runtime").block_on(test);
}

async fn read_head(stream: &mut TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
}

/// An origin that says the same to everybody, after `wait`; it counts who asked.
async fn origin(answer: &'static [u8], wait: Duration) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let (address, asked) = (listener.local_addr().expect("bound"), Arc::new(AtomicUsize::new(0)));
    let count = asked.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let count = count.clone();
            tokio::spawn(async move {
                read_head(&mut stream).await;
                count.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(wait).await;
                let _ = stream.write_all(answer).await;
            });
        }
    });
    (address, asked)
}

async fn front(origin: SocketAddr, limits: Limits) -> (SocketAddr, Arc<Front>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let front = Front::new(Config::default(), origin.to_string(), limits);
    tokio::spawn(front.clone().serve(listener));
    (address, front)
}

/// All that comes back for `bytes`, up to the end of the connection.
async fn exchange(front: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(front).await.expect("the front listens");
    // It may have refused before it has read everything.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

async fn get(front: SocketAddr) -> String {
    exchange(front, b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await
}

const FRESH: &[u8] = b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 2\r\n\r\nhi";

async fn refused() {
    let (origin, asked) = origin(FRESH, Duration::ZERO).await;
    let (front, _) = front(origin, Limits::default()).await;
    let rows: &[(&[u8], &str)] = &[
        (b"GET / HTTP/1.1\r\n\r\n", "400"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400"),
        (b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "400"),
        (b"GET / HTTP/1.1\r\nHost:\r\n\r\n", "400"),
        (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", "400"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", "400"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", "400"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc", "400"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n", "400"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "501"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n", "400"),
        (b"\x16\x03\x01\r\n\r\n", "400"),
    ];
    for (bytes, status) in rows {
        let answer = exchange(front, bytes).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{:?}: {answer}", String::from_utf8_lossy(bytes));
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0, "nothing of it has reached the origin");
}

async fn stored() {
    let (origin, asked) = origin(FRESH, Duration::ZERO).await;
    let (address, front) = front(origin, Limits::default()).await;
    let first = get(address).await;
    assert!(first.contains("cache-status: cdn; fwd=uri-miss; fwd-status=200; ttl=60; stored"), "{first}");
    let second = get(address).await;
    assert!(second.contains("cache-status: cdn; hit; ttl=") && second.ends_with("hi"), "{second}");
    let other = exchange(address, b"GET / HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n").await;
    assert!(other.contains("fwd=uri-miss"), "the host is part of what it is found by: {other}");
    assert_eq!(front.purge(&Purge::Target(Target::new("http", "a", "/"))), 1);
    assert!(get(address).await.contains("fwd=uri-miss"));
    assert_eq!(asked.load(Ordering::SeqCst), 3);
}

async fn collapsed() {
    let (origin, asked) = origin(FRESH, Duration::from_millis(50)).await;
    let (front, _) = front(origin, Limits::default()).await;
    let clients: Vec<_> = (0..6).map(|_| tokio::spawn(get(front))).collect();
    for client in clients {
        assert!(client.await.expect("it ends").ends_with("hi"));
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

async fn overtaken() {
    let (origin, asked) = origin(FRESH, Duration::from_millis(50)).await;
    let (address, front) = front(origin, Limits::default()).await;
    let first = tokio::spawn(get(address));
    while asked.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(front.purge(&Purge::All), 0);
    let first = first.await.expect("it ends");
    assert!(first.ends_with("hi") && !first.contains("stored"), "{first}");
    assert!(get(address).await.contains("fwd=uri-miss"));
}

async fn lies() {
    let answers: &[&[u8]] = &[
        b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 20\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
        b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"nonsense",
        b"",
    ];
    for answer in answers {
        let (origin, asked) = origin(answer, Duration::ZERO).await;
        let (front, _) = front(origin, Limits::default()).await;
        for times in 1..=2 {
            let told = get(front).await;
            assert!(told.starts_with("HTTP/1.1 502"), "{:?}: {told}", String::from_utf8_lossy(answer));
            assert_eq!(asked.load(Ordering::SeqCst), times, "nothing of it was stored");
        }
    }
}

async fn large() {
    let (origin, _) = origin(FRESH, Duration::ZERO).await;
    let limits = Limits { body_bytes_max: 10, ..Limits::default() };
    let (front, _) = front(origin, limits).await;
    let post = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nabcdefghijk";
    assert!(exchange(front, post).await.starts_with("HTTP/1.1 413"));
    let head = format!("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX: {}\r\n\r\n", "x".repeat(100_000));
    let answer = exchange(front, head.as_bytes()).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
}

async fn hangs() {
    let (origin, _) = origin(FRESH, Duration::from_secs(100_000)).await;
    let (front, _) = front(origin, Limits::default()).await;
    assert!(get(front).await.starts_with("HTTP/1.1 504"));
}

async fn slow() {
    let (origin, asked) = origin(FRESH, Duration::ZERO).await;
    let (front, _) = front(origin, Limits::default()).await;
    let half = exchange(front, b"GET / HTTP/1.1\r\nHost:").await;
    assert!(half.is_empty() || half.starts_with("HTTP/1.1 408"), "{half}");
    let body = exchange(front, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na").await;
    assert!(body.starts_with("HTTP/1.1 408"), "{body}");
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}
