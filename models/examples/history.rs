//! A history of thousands of operations, as Jepsen writes them, is linearizable or not: a register that eight clients
//! read, write and compare-and-set. Porcupine's histories of stores, in EDN with a `:key`, are read alike.

use std::path::Path;

use counterpart::conform::Agreement;
use counterpart::conform::events::{Event, Labelled, Log, LogReader};
use counterpart::report::ConformanceReport;
use counterpart::{Check, Interface};
use rand_pcg::Pcg64;
use rand_pcg::rand_core::{Rng, SeedableRng};
use stateright::Model;

/// A register, which holds nothing at first. Nothing bounds what is written: the model unfolds as the history asks.
struct Register;

#[derive(Clone, Debug, PartialEq)]
enum Ask {
    Read,
    Write(u64),
    Cas(u64, u64),
}

#[derive(Clone, Debug, PartialEq)]
enum Answer {
    Found(Option<u64>),
    Done,
    Refused,
}

impl Model for Register {
    type State = Option<u64>;
    type Action = Ask;

    fn init_states(&self) -> Vec<Option<u64>> {
        vec![None]
    }

    /// What is offered is what the history asks: see `offers`.
    fn actions(&self, _: &Option<u64>, _: &mut Vec<Ask>) {}

    fn next_state(&self, held: &Option<u64>, ask: Ask) -> Option<Option<u64>> {
        match ask {
            Ask::Read => None,
            Ask::Write(value) => Some(Some(value)),
            Ask::Cas(from, to) => (*held == Some(from)).then_some(Some(to)),
        }
    }
}

struct Client;

impl Interface for Client {
    type Model = Register;
    type Input = Ask;
    type Output = Answer;
    type Snapshot = ();

    fn label(&self, _: &Register, held: &Option<u64>, ask: &Ask, to: Option<&Option<u64>>) -> Option<(Ask, Answer)> {
        let answer = match (ask, to) {
            (Ask::Read, _) => Answer::Found(*held),
            (_, Some(_)) => Answer::Done,
            (_, None) => Answer::Refused,
        };
        Some((ask.clone(), answer))
    }

    fn offers(&self, _: &Register, _: &Option<u64>, ask: Option<&Ask>) -> Option<Vec<Ask>> {
        Some(ask.cloned().into_iter().collect())
    }

    fn changes(&self, ask: &Ask) -> bool {
        *ask != Ask::Read
    }
}

/// How an operation reads. One that failed has not taken effect and is not there; one that nobody knows of has no end.
struct Jepsen;

impl LogReader<Client> for Jepsen {
    fn admits(&self, event: &Event, step: &Labelled<'_, Client>) -> bool {
        match step.output {
            Answer::Found(found) => event.agrees("result", found),
            Answer::Done => true,
            Answer::Refused => false,
        }
    }

    fn inputs(&self, event: &Event) -> Option<Vec<Ask>> {
        let value = event.fields.get("value");
        Some(match event.name.as_str() {
            "read" => vec![Ask::Read],
            "write" => vec![Ask::Write(value?.as_u64()?)],
            "cas" => vec![Ask::Cas(value?.get(0)?.as_u64()?, value?.get(1)?.as_u64()?)],
            _ => vec![],
        })
    }
}

const CLIENTS: usize = 8;
const OPERATIONS: usize = 4_000;

/// What a client is about.
#[derive(Clone)]
enum Stage {
    Idle,
    /// It has asked, and nothing has come of it yet.
    Asked(Ask),
    /// It took effect, and the client was not told yet.
    Done(Ask, Answer),
}

/// The history of a register that is right, in EDN. In place of a database stands a variable; who moves is drawn.
fn recorded() -> String {
    let mut draw = Pcg64::seed_from_u64(7);
    let mut below = |bound: u64| draw.next_u64() % bound;
    let mut held = None;
    let mut clients = vec![Stage::Idle; CLIENTS];
    let mut lines = String::new();
    let mut asked = 0;
    while asked < OPERATIONS || clients.iter().any(|stage| !matches!(stage, Stage::Idle)) {
        let process = below(CLIENTS as u64) as usize;
        let line = |kind: &str, ask: &Ask, found: Option<u64>| {
            let (f, value) = match ask {
                Ask::Read => ("read", found.map_or("nil".into(), |found| found.to_string())),
                Ask::Write(value) => ("write", value.to_string()),
                Ask::Cas(from, to) => ("cas", format!("[{from} {to}]")),
            };
            format!("{{:process {process}, :type :{kind}, :f :{f}, :value {value}}}\n")
        };
        clients[process] = match clients[process].clone() {
            Stage::Idle if asked == OPERATIONS => Stage::Idle,
            Stage::Idle => {
                asked += 1;
                let ask = match below(3) {
                    0 => Ask::Read,
                    1 => Ask::Write(below(5)),
                    _ => Ask::Cas(below(5), below(5)),
                };
                lines += &line("invoke", &ask, None);
                Stage::Asked(ask)
            }
            Stage::Asked(ask) => {
                let to = Register.next_state(&held, ask.clone());
                let (_, answer) = Client.label(&Register, &held, &ask, to.as_ref()).expect("everything is answered");
                held = to.unwrap_or(held);
                Stage::Done(ask, answer)
            }
            Stage::Done(ask, answer) => {
                let (kind, found) = match answer {
                    Answer::Found(found) => ("ok", found),
                    Answer::Done => ("ok", None),
                    Answer::Refused => ("fail", None),
                };
                lines += &line(kind, &ask, found);
                Stage::Idle
            }
        };
    }
    lines
}

fn judged(history: String) -> ConformanceReport {
    let log = move || Log::parse_edn(Path::new("history.edn"), history.as_bytes());
    Check::of(Register).interface(Client).events(Jepsen, log).run().cases.remove(0).conformance.remove(0)
}

#[test]
fn the_history_is_linearizable() {
    let judged = judged(recorded());
    assert_eq!(judged.verdict, Agreement::Conforms, "{:?}", judged.why);
}

/// A read that finds what nobody wrote, three quarters into the history, is named by its line.
#[test]
fn a_read_of_what_was_never_written_is_named() {
    let history = recorded();
    let mut lines: Vec<String> = history.lines().map(str::to_string).collect();
    let from = lines.len() * 3 / 4;
    let is_read = |line: &String| line.contains(":type :ok, :f :read, :value ") && !line.contains("nil");
    let at = from + lines[from..].iter().position(is_read).expect("somebody reads");
    let head = lines[at].split(":value").next().expect("a beginning").to_string();
    lines[at] = format!("{head}:value 9}}");
    let judged = judged(lines.join("\n"));
    let why = judged.why.unwrap_or_default();
    assert_eq!(judged.verdict, Agreement::Diverges, "{why}");
    assert!(why.contains("read result=9 by "), "{why}");
}
