//! What a cached name costs: nanoseconds for an answer of the whole resolver, and for one of hickory-resolver's
//! `ResponseCache` alone, and the ratio of the two in the same run. A thousand names, each with one address.
//!
//! A plain program and no statistics, the best of several rounds. `cargo bench --bench dns`; it fails at a ratio above 1.

use std::error::Error;
use std::hint::black_box;
use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use counterpart_models::dns::implementation::resolver::{Act, Resolver};
use counterpart_models::dns::implementation::settings::Settings;
use counterpart_models::dns::implementation::{Code, Data, Question, Record, Type};
use counterpart_models::dns::poison::implementation::Draw;
use hickory_resolver::config::ResolverOpts;
use hickory_resolver::proto::op::{Message, MessageType, OpCode, Query};
use hickory_resolver::proto::rr::rdata::A;
use hickory_resolver::proto::rr::{Name, RData, Record as WireRecord, RecordType};
use hickory_resolver::{ResponseCache, TtlConfig};

const NAMES: usize = 1_000;
const OPERATIONS: usize = 400_000;
const ROUNDS: usize = 7;
const RATIO_MAX: f64 = 1.0;

/// Nanoseconds of one `operation`, at best.
fn measure(mut operation: impl FnMut(usize)) -> f64 {
    let best = (0..ROUNDS).map(|_| {
        let started = Instant::now();
        for number in 0..OPERATIONS {
            operation(number * 7 % NAMES);
        }
        started.elapsed().as_nanos() as f64 / OPERATIONS as f64
    });
    best.fold(f64::INFINITY, f64::min)
}

fn text(number: usize) -> String {
    format!("host-{number}.example.zz.")
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<bool, Box<dyn Error>> {
    let address = Ipv4Addr::new(192, 0, 2, 9);
    let mut draw = |_, _| Some(Draw { id: 7, port: 50_000 });
    let mut ours = Resolver::<usize>::new(Settings::new(vec![([192, 0, 2, 1], 53).into()]))?;
    let theirs = ResponseCache::new(10_000, TtlConfig::from_opts(&ResolverOpts::default()));
    let now = Instant::now() + Duration::from_secs(1);
    let (mut questions, mut queries) = (Vec::new(), Vec::new());
    for number in 0..NAMES {
        let question = Question { name: text(number).parse()?, kind: Type::A };
        for act in ours.query(number, question.clone(), 0, &mut draw) {
            let Act::Send { server, port, message, .. } = act else { continue };
            let record = Record { name: question.name.clone(), ttl_s: 80_000, data: Data::A(address) };
            let answer = counterpart_models::dns::implementation::Message {
                is_answer: true,
                is_authoritative: true,
                answers: vec![record],
                ..message
            };
            ours.receive(&answer, server, port, 0, &mut draw)?;
        }
        questions.push(question);
        let query = Query::query(Name::from_ascii(text(number))?, RecordType::A);
        let mut message = Message::new(7, MessageType::Response, OpCode::Query);
        message.add_answer(WireRecord::from_rdata(query.name().clone(), 80_000, RData::A(A(address))));
        theirs.insert(query.clone(), Ok(message), now);
        queries.push(query);
    }
    let mut hits = [0, 0];
    let ours_ns = measure(|number| {
        let acts = black_box(ours.query(number, questions[number].clone(), 1_000, &mut draw));
        let told = |act: &Act<usize>| matches!(act, Act::Tell { answer, .. } if answer.code == Code::NoError);
        hits[0] += usize::from(acts.iter().any(told));
    });
    let theirs_ns =
        measure(|number| hits[1] += usize::from(matches!(black_box(theirs.get(&queries[number], now)), Some(Ok(_)))));
    if hits != [OPERATIONS * ROUNDS; 2] {
        return Err(format!("of {} questions {hits:?} were answered", OPERATIONS * ROUNDS).into());
    }
    let ratio = ours_ns / theirs_ns;
    println!("cached name  resolver {ours_ns:>7.1} ns  ResponseCache {theirs_ns:>7.1} ns  {ratio:.2} of hickory's");
    Ok(ratio <= RATIO_MAX)
}
