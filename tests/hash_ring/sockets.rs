//! A handoff between two nodes on threads of their own, over TCP on loopback, while three clients read and write. What
//! each of them records has to be explained by the model.

use std::net::{TcpListener, TcpStream};
use std::sync::{Mutex, PoisonError};
use std::thread;

use counterpart::conform::events::{EventLog, Log, LogError};
use counterpart::report::ConformanceReport;
use counterpart_models::hash_ring::handoff;
use counterpart_models::hash_ring::handoff::bindings::{Halves, views};
use counterpart_models::hash_ring::handoff::conformance::Answer;
use counterpart_models::hash_ring::handoff::implementation::{
    Frame, Node, Refusal, Request, WireError, read_frame, write_frame,
};
use counterpart_models::hash_ring::handoff::recorded::{HandoffReader, TARGET, model};
use counterpart_models::hash_ring::implementation::Arc;
use libtest_mimic::Trial;
use tracing::field::{Empty, debug};
use tracing::info_span;

use crate::claim;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("hash_ring::a_handoff_over_sockets_conforms_run_after_run", real_threads),
        claim("hash_ring::a_ghost_read_is_in_the_log", ghost_read),
        claim("hash_ring::a_peer_that_goes_away_in_mid_transfer_leaves_nothing_behind", cut_off),
    ]
}

/// A node behind a lock, and whether it turns away requests of an older view.
pub(super) struct Server {
    node: Mutex<Node<u8, Halves>>,
    is_fenced: bool,
}

impl Server {
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Node<u8, Halves>) -> T) -> T {
        change(&mut self.node.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn reply(&self, frame: Frame) -> Frame {
        match frame {
            Frame::Request(request) => self.serve(request),
            Frame::Transfer(transfer) => {
                let _span = info_span!(target: TARGET, "deliver").entered();
                self.change(|node| node.receive(transfer)).map_or_else(Frame::from, Frame::Ack)
            }
            Frame::Handover(handover) => {
                let _span = info_span!(target: TARGET, "activate").entered();
                self.change(|node| node.activate(handover)).map_or_else(Frame::from, |()| Frame::Confirm(handover))
            }
            _ => Frame::Failed,
        }
    }

    fn serve(&self, request: Request) -> Frame {
        let is_put = matches!(request, Request::Put { .. });
        let key = match &request {
            Request::Get { key, .. } | Request::Put { key, .. } => key.clone(),
        };
        self.change(|node| match node.serve(request) {
            Ok(_) if is_put => Frame::Written,
            Ok(value) => Frame::Value(value),
            Err(Refusal::StaleView { .. }) if !self.is_fenced && !is_put => {
                Frame::Value(node.stored(&key).map(<[u8]>::to_vec))
            }
            Err(refusal) => Frame::Refused(refusal),
        })
    }

    /// Answers until the other side goes away.
    pub(super) fn listen(&self, mut connection: TcpStream) {
        while let Ok(Some(frame)) = read_frame(&mut connection) {
            if write_frame(&mut connection, &self.reply(frame)).is_err() {
                break;
            }
        }
    }
}

/// The two nodes about to move the one arc, and that arc.
pub(super) fn servers(is_fenced: bool) -> (Server, Server, Arc) {
    let (before, after) = views();
    let mut old = Node::new(0, before.clone()).expect("a view with a node");
    let mut new = Node::new(1, before).expect("a view with a node");
    let plan = old.prepare(after.clone()).expect("the next view");
    new.prepare(after).expect("the next view");
    let server = |node| Server { node: Mutex::new(node), is_fenced };
    (server(old), server(new), plan[0].0)
}

/// Both ends of a connection over loopback.
pub(super) fn connection() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let near = TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
    let (far, _) = listener.accept().expect("a connection");
    near.set_nodelay(true).expect("a socket");
    far.set_nodelay(true).expect("a socket");
    (near, far)
}

/// A client, its connections to both nodes, and its view.
pub(super) struct Client {
    pub(super) number: u8,
    pub(super) nodes: [TcpStream; 2],
    pub(super) epoch: u64,
    pub(super) written: u8,
}

impl Client {
    pub(super) fn ask(&mut self, request: impl FnOnce(u64) -> Request) -> Answer {
        let node = &mut self.nodes[usize::from(self.epoch == 2)];
        write_frame(node, &Frame::Request(request(self.epoch))).expect("the node listens");
        match read_frame(node).expect("the node answers") {
            Some(Frame::Value(value)) => Answer::Value(value.and_then(|value| value.first().copied()).unwrap_or(0)),
            Some(Frame::Written) => Answer::Written,
            Some(Frame::Refused(Refusal::Frozen)) => Answer::Frozen,
            Some(Frame::Refused(Refusal::NotYet)) => Answer::NotYet,
            Some(Frame::Refused(Refusal::StaleView { epoch })) => {
                self.epoch = epoch;
                Answer::Moved
            }
            other => panic!("no answer to a request: {other:?}"),
        }
    }

    fn read(&mut self, key: u8) -> Answer {
        let span = info_span!(target: TARGET, "read", client = self.number, key, answer = Empty);
        let answer = self.ask(|epoch| Request::Get { epoch, key: vec![key] });
        span.record("answer", debug(answer));
        answer
    }

    /// Only one client writes, so that the number of its write is the version.
    fn write(&mut self, key: u8) -> Answer {
        let span = info_span!(target: TARGET, "write", client = self.number, key, answer = Empty);
        let version = self.written + 1;
        let answer = self.ask(|epoch| Request::Put { epoch, key: vec![key], value: vec![version] });
        self.written += u8::from(answer == Answer::Written);
        span.record("answer", debug(answer));
        answer
    }
}

/// Runs `call` in a span of its own.
fn step<T>(name: &'static str, call: impl FnOnce() -> T) -> T {
    let span = match name {
        "freeze" => info_span!(target: TARGET, "freeze"),
        "copy" => info_span!(target: TARGET, "copy"),
        "crash" => info_span!(target: TARGET, "crash"),
        "acknowledge" => info_span!(target: TARGET, "acknowledge"),
        "release" => info_span!(target: TARGET, "release"),
        "delete" => info_span!(target: TARGET, "delete"),
        "refresh" => info_span!(target: TARGET, "refresh"),
        other => panic!("there is no step {other}"),
    };
    let result = call();
    drop(span);
    result
}

/// The old owner moves the arc; the first connection breaks in mid transfer.
fn hand_over(old: &Server, arc: Arc, mut broken: TcpStream, mut connection: TcpStream) {
    step("freeze", || old.change(|node| node.freeze(arc))).expect("it is to be given away");
    let transfer = step("copy", || old.change(|node| node.transfer(arc))).expect("it is frozen");
    step("crash", || {
        let mut whole = Vec::new();
        write_frame(&mut whole, &Frame::Transfer(transfer)).expect("a frame");
        std::io::Write::write_all(&mut broken, &whole[..whole.len() - 1]).expect("it is sent");
        drop(broken);
    });
    let transfer = step("copy", || old.change(|node| node.transfer(arc))).expect("it is frozen still");
    write_frame(&mut connection, &Frame::Transfer(transfer)).expect("the new owner listens");
    let Ok(Some(Frame::Ack(ack))) = read_frame(&mut connection) else { panic!("the copy is acknowledged") };
    step("acknowledge", || old.change(|node| node.acknowledged(ack))).expect("of this arc");
    let handover = step("release", || old.change(|node| node.release(arc))).expect("it is acknowledged");
    write_frame(&mut connection, &Frame::Handover(handover)).expect("the new owner listens");
    let Ok(Some(Frame::Confirm(_))) = read_frame(&mut connection) else { panic!("the handover is confirmed") };
    step("delete", || old.change(|node| node.delete(arc))).expect("it is released");
}

fn judged(source: impl Fn() -> Result<Log, LogError> + Send + Sync + 'static) -> ConformanceReport {
    let check = handoff::check(model()).alongside_only();
    check.events(HandoffReader, source).run().cases.remove(0).conformance.remove(0)
}

/// One client writes and two read until the arc has moved and each has seen the new owner.
fn run_on_threads() -> Result<Log, LogError> {
    let log = EventLog::of(TARGET);
    let (old, new, arc) = servers(true);
    let (old, new) = (&old, &new);
    let mut threads: Vec<(String, Box<dyn FnOnce() + Send + '_>)> = Vec::new();
    for number in 0..3_u8 {
        let ((to_old, at_old), (to_new, at_new)) = (connection(), connection());
        threads.push((format!("old owner for client {number}"), Box::new(move || old.listen(at_old))));
        threads.push((format!("new owner for client {number}"), Box::new(move || new.listen(at_new))));
        let mut client = Client { number, nodes: [to_old, to_new], epoch: 1, written: 0 };
        let work = move || {
            let mut served_by_new = 0;
            // A client that is turned away asks again; the bound is of the log's length, not of time.
            for request in 0..2_000_u16 {
                let key = (request % 2) as u8;
                // Two writes before, at most, and two after.
                let may_write = number == 0 && client.written < if client.epoch == 1 { 2 } else { 4 };
                let answer = if may_write { client.write(key) } else { client.read(key) };
                served_by_new += u8::from(client.epoch == 2 && matches!(answer, Answer::Value(_) | Answer::Written));
                if served_by_new == 4 {
                    return;
                }
                thread::yield_now();
            }
            panic!("client {number} was never served by the new owner");
        };
        threads.push((format!("client {number}"), Box::new(work)));
    }
    let ((broken, at_broken), (to_new, at_new)) = (connection(), connection());
    threads.push(("new owner, cut off".into(), Box::new(move || new.listen(at_broken))));
    threads.push(("new owner".into(), Box::new(move || new.listen(at_new))));
    threads.push(("old owner".into(), Box::new(move || hand_over(old, arc, broken, to_new))));
    log.on_threads(threads);
    Ok(log.recorded())
}

fn real_threads() {
    for _ in 0..4 {
        let report = judged(run_on_threads);
        assert_eq!(report.verdict.to_string(), "conforms", "{:?}", report.why);
        assert!(report.effort.steps() > 20, "{} events", report.effort.steps());
    }
}

/// Without its fence the old owner answers whoever asks.
fn ghost_read() {
    let report = judged(|| {
        let log = EventLog::of(TARGET);
        let (old, new, arc) = servers(false);
        let (old, new) = (&old, &new);
        let (to_old, at_old) = connection();
        let (to_new, at_new) = connection();
        let (reading, at_reading) = connection();
        let (unused, at_unused) = connection();
        let ((broken, at_broken), (handing, at_handing)) = (connection(), connection());
        thread::scope(|scope| {
            for (server, connection) in [(old, at_old), (new, at_new), (old, at_reading), (new, at_unused)] {
                scope.spawn(move || server.listen(connection));
            }
            let recorded = &log;
            for connection in [at_broken, at_handing] {
                scope.spawn(move || recorded.here(|| new.listen(connection)));
            }
            log.here(move || {
                let mut writer = Client { number: 0, nodes: [to_old, to_new], epoch: 1, written: 0 };
                let mut reader = Client { number: 1, nodes: [reading, unused], epoch: 1, written: 0 };
                assert_eq!(writer.write(0), Answer::Written);
                hand_over_but_delete(old, arc, broken, handing);
                {
                    let _span = info_span!(target: TARGET, "refresh", client = 0);
                    writer.epoch = 2;
                }
                assert_eq!(writer.write(0), Answer::Written);
                assert_eq!(reader.read(0), Answer::Value(1), "what the old owner still has");
            });
        });
        Ok(log.recorded())
    });
    assert_eq!(report.verdict.to_string(), "diverges");
    let why = report.why.unwrap_or_default();
    assert!(why.contains("read") && why.contains("answer=Value(1)"), "{why}");
}

/// The old owner has not deleted yet.
fn hand_over_but_delete(old: &Server, arc: Arc, broken: TcpStream, mut connection: TcpStream) {
    drop(broken);
    step("freeze", || old.change(|node| node.freeze(arc))).expect("it is to be given away");
    let transfer = step("copy", || old.change(|node| node.transfer(arc))).expect("it is frozen");
    write_frame(&mut connection, &Frame::Transfer(transfer)).expect("the new owner listens");
    let Ok(Some(Frame::Ack(ack))) = read_frame(&mut connection) else { panic!("the copy is acknowledged") };
    step("acknowledge", || old.change(|node| node.acknowledged(ack))).expect("of this arc");
    let handover = step("release", || old.change(|node| node.release(arc))).expect("it is acknowledged");
    write_frame(&mut connection, &Frame::Handover(handover)).expect("the new owner listens");
    let Ok(Some(Frame::Confirm(_))) = read_frame(&mut connection) else { panic!("the handover is confirmed") };
}

fn cut_off() {
    let (old, new, arc) = servers(true);
    let put = Request::Put { epoch: 1, key: vec![1], value: vec![7] };
    old.change(|node| node.serve(put)).expect("it is its own");
    old.change(|node| node.freeze(arc)).expect("it is to be given away");
    let transfer = old.change(|node| node.transfer(arc)).expect("it is frozen");
    let mut whole = Vec::new();
    write_frame(&mut whole, &Frame::Transfer(transfer.clone())).expect("a frame");
    for cut in 1..whole.len() {
        let (mut near, mut far) = connection();
        std::io::Write::write_all(&mut near, &whole[..cut]).expect("it is sent");
        drop(near);
        assert!(matches!(read_frame(&mut far), Err(WireError::Truncated)), "after {cut} bytes");
        assert_eq!(new.change(|node| node.stored(&[1]).map(<[u8]>::to_vec)), None);
    }
    // What was frozen is still there, and goes over whole.
    assert_eq!(old.change(|node| node.transfer(arc)), Ok(transfer.clone()));
    new.change(|node| node.receive(transfer)).expect("a whole copy");
    assert_eq!(new.change(|node| node.stored(&[1]).map(<[u8]>::to_vec)), Some(vec![7]));
}
