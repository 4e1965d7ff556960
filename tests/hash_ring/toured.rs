//! A handoff over TCP on loopback, driven step by step. Every request of a client, every copy and every handover is a
//! frame that is answered, and its answer says that what came before on that connection was dealt with. Where a
//! connection is cut there is no answer: that the node hangs up as well says that it has seen the end.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync;
use std::thread::{self, JoinHandle};

use counterpart::Counterpart;
use counterpart::conform::{Agreement, Tour};
use counterpart::report::ConformanceReport;
use counterpart_models::hash_ring::handoff;
use counterpart_models::hash_ring::handoff::conformance::{Answer, HandoffInterface, Seen};
use counterpart_models::hash_ring::handoff::implementation::{
    Ack, Frame, Handover, Request, Transfer, read_frame, write_frame,
};
use counterpart_models::hash_ring::handoff::model::{Action, Handoff};
use counterpart_models::hash_ring::implementation::Arc;
use libtest_mimic::Trial;

use super::sockets::{Client, Server, connection, servers};
use crate::claim;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("hash_ring::a_small_handoff_over_sockets_conforms_over_every_transition", whole),
        claim("hash_ring::a_tour_of_a_larger_one_that_is_capped_says_what_was_not_driven", capped),
        claim("hash_ring::a_tour_over_sockets_finds_an_owner_without_a_fence", unfenced),
    ]
}

/// One key, one client, one write, and a connection that breaks once.
const SMALL: Handoff = Handoff { clients: 1, writes_max: 1, ..Handoff::small() };

/// The two nodes, each on threads that listen, and all that is connected to them.
struct OverSockets {
    old: sync::Arc<Server>,
    new: sync::Arc<Server>,
    arc: Arc,
    clients: Vec<Client>,
    /// From the old owner to the new one.
    handing: TcpStream,
    copy: Option<Transfer>,
    acknowledgement: Option<Ack>,
    handover: Option<Handover>,
    writes: u8,
    threads: Vec<JoinHandle<()>>,
}

impl OverSockets {
    fn new(model: &Handoff, is_fenced: bool) -> Self {
        let (old, new, arc) = servers(is_fenced);
        let (old, new) = (sync::Arc::new(old), sync::Arc::new(new));
        let mut threads = Vec::new();
        let client = |number| Client {
            number,
            nodes: [&old, &new].map(|server| connected(server, &mut threads)),
            epoch: 1,
            written: 0,
        };
        let clients = (0..model.clients).map(client).collect();
        let handing = connected(&new, &mut threads);
        OverSockets {
            old,
            new,
            arc,
            clients,
            handing,
            copy: None,
            acknowledgement: None,
            handover: None,
            writes: 0,
            threads,
        }
    }

    /// Sends the new owner a frame; its answer.
    fn hand(&mut self, frame: &Frame) -> Frame {
        write_frame(&mut self.handing, frame).expect("the new owner listens");
        read_frame(&mut self.handing).expect("a frame").expect("the new owner answers")
    }

    /// All but the last byte of what would be said, and the end.
    fn cut_off(&mut self) {
        let said = self.copy.take().map_or(Frame::Written, Frame::Transfer);
        let mut bytes = Vec::new();
        write_frame(&mut bytes, &said).expect("a frame");
        self.handing.write_all(&bytes[..bytes.len() - 1]).expect("it is sent");
        self.handing.shutdown(Shutdown::Write).expect("a connection");
        let mut answered = Vec::new();
        self.handing.read_to_end(&mut answered).expect("the new owner hangs up");
        assert_eq!(answered, [0; 0], "half a frame was answered");
        self.handing = connected(&self.new, &mut self.threads);
        (self.acknowledgement, self.handover) = (None, None);
    }
}

/// A connection to a node that listens to it on a thread of its own.
fn connected(server: &sync::Arc<Server>, threads: &mut Vec<JoinHandle<()>>) -> TcpStream {
    let (near, far) = connection();
    let server = server.clone();
    threads.push(thread::spawn(move || server.listen(far)));
    near
}

impl Drop for OverSockets {
    fn drop(&mut self) {
        let ends = self.clients.iter().flat_map(|client| &client.nodes).chain([&self.handing]);
        ends.for_each(|end| end.shutdown(Shutdown::Both).unwrap_or_default());
        self.threads.drain(..).for_each(|thread| thread.join().unwrap_or_default());
    }
}

fn done<T, E>(result: Result<T, E>) -> Answer {
    if result.is_ok() { Answer::Done } else { Answer::Refused }
}

impl Counterpart<HandoffInterface> for OverSockets {
    fn apply(&mut self, input: &Action) -> Answer {
        let arc = self.arc;
        match *input {
            Action::Write { client, key } => {
                let version = self.writes + 1;
                let put = |epoch| Request::Put { epoch, key: vec![key], value: vec![version] };
                let answer = self.clients[usize::from(client)].ask(put);
                self.writes += u8::from(answer == Answer::Written);
                answer
            }
            Action::Read { client, key } => {
                self.clients[usize::from(client)].ask(|epoch| Request::Get { epoch, key: vec![key] })
            }
            Action::Refresh { client } => {
                self.clients[usize::from(client)].epoch = 2;
                Answer::Done
            }
            Action::Freeze => done(self.old.change(|node| node.freeze(arc))),
            Action::Copy => {
                let copy = self.old.change(|node| node.transfer(arc));
                let answer = done(copy.as_ref());
                self.copy = copy.ok().or(self.copy.take());
                answer
            }
            Action::Deliver => match self.copy.clone().map(|copy| self.hand(&Frame::Transfer(copy))) {
                None => Answer::Nothing,
                Some(Frame::Ack(ack)) => {
                    self.acknowledgement = Some(ack);
                    Answer::Done
                }
                Some(_) => Answer::Refused,
            },
            Action::Acknowledge => match self.acknowledgement.take() {
                None => Answer::Nothing,
                Some(ack) => done(self.old.change(|node| node.acknowledged(ack))),
            },
            Action::Release => {
                let handover = self.old.change(|node| node.release(arc));
                let answer = done(handover.as_ref());
                self.handover = handover.ok().or(self.handover.take());
                answer
            }
            Action::Activate => match self.handover.take().map(|handover| self.hand(&Frame::Handover(handover))) {
                None => Answer::Nothing,
                Some(Frame::Confirm(_)) => Answer::Done,
                Some(_) => Answer::Refused,
            },
            Action::Delete => done(self.old.change(|node| node.delete(arc))),
            Action::Crash => {
                self.cut_off();
                Answer::Done
            }
        }
    }

    fn observe(&self) -> Option<Seen> {
        let of = |server: &Server| {
            let version = |key: u8| server.change(|node| node.stored(&[key]).and_then(|value| value.first().copied()));
            [0, 1, 2].map(|key| version(key).unwrap_or(0))
        };
        Some(Seen { old: of(&self.old), new: of(&self.new) })
    }
}

fn toured(model: Handoff, tour: Tour, is_fenced: bool) -> ConformanceReport {
    let driven = model.clone();
    let check = handoff::check(model).alongside_only();
    let check = check.subject("over sockets", tour.of(move || OverSockets::new(&driven, is_fenced)));
    check.run().cases.remove(0).conformance.remove(0)
}

fn whole() {
    // What is stored is seen after each step, so that no suffix has to tell where a transition has led.
    let report = toured(SMALL, Tour::new().suffixes(false), true);
    assert_eq!(report.verdict, Agreement::Conforms, "{:?}", report.why);
    let (all, driven) = report.effort.edges();
    assert!(all > 500 && driven == all, "{driven} of {all}");
}

/// What of the ordinary instance does not fit in so many steps is counted, and nothing passes for it.
fn capped() {
    const STEPS: usize = 1_500;
    let report = toured(Handoff::small(), Tour::new().steps_max(STEPS), true);
    let (all, driven) = report.effort.edges();
    assert_eq!((report.verdict, report.effort.steps(), all), (Agreement::Incomplete, STEPS, 8_714));
    let said = format!(
        "the limit of {STEPS} steps was reached: {driven} of {all} transitions were driven, and {} were not",
        all - driven
    );
    let why = report.why.unwrap_or_default();
    assert!(why.contains(&said) && driven > 200, "{why}");
}

fn unfenced() {
    let report = toured(SMALL, Tour::new(), false);
    assert_eq!(report.verdict, Agreement::Diverges, "{:?}", report.why);
    let why = report.why.unwrap_or_default();
    assert!(why.contains("Value") && why.contains("Moved"), "{why}");
}
