//! Logs of running implementations: what explains them, what does not, what is not known, and files that are no logs.

mod command;
mod edn;
mod files;
mod oracle;
mod sizes;
mod store;
mod threads;

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use counterpart::check::{Case, Options};
use counterpart::conform::events::{
    ByText, Event, EventLog, Events, Labelled, Log, LogReader, LogWriter, Logged, Recorded,
};
use counterpart::conform::{Agreement, Effort, Job, Mode};
use counterpart::report::ConformanceReport;
use counterpart::{Check, Shared};
use libtest_mimic::Trial;
use serde_json::{Value, json};
use tracing::Span;

use crate::claim;
use crate::toy::{At, Edge, FACE, Face, Say, Toy, Word};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = vec![
        claim("events::what_overlaps_may_take_effect_in_any_order", overlap),
        claim("events::what_ended_before_another_began_takes_effect_first", precedence),
        claim("events::the_order_of_lines_says_nothing", lines),
        claim("events::the_first_event_that_nothing_explains_is_named", named),
        claim("events::a_field_that_is_left_out_contradicts_nothing", omitted),
        claim("events::steps_that_nobody_records_are_followed", hidden),
        claim("events::internal_steps_are_followed", internal),
        claim("events::a_reading_explains_no_step_and_must_be_true", readings),
        claim("events::an_event_that_did_not_end_may_have_taken_effect_or_not", unfinished),
        claim("events::an_empty_log_is_incomplete_not_a_pass", empty),
        claim("events::too_many_ways_of_explaining_are_incomplete_not_a_pass", too_many),
        claim("events::a_run_that_panics_or_hangs_is_incomplete_and_says_so", no_log),
        claim("events::a_long_log_of_one_thread_is_followed_to_the_end", long),
        claim("events::every_order_of_many_overlapping_events_is_tried_once", wide),
        claim("events::a_divergence_replays_and_a_mended_witness_does_not", replays),
        claim("events::a_trace_whose_log_was_broken_is_refused", broken_trace),
        claim("events::text_is_a_witness", by_text),
        claim("events::a_layer_records_spans_as_intervals_and_events_as_points", layer),
        claim("events::a_logged_subject_tells_each_call_with_its_answer", logged),
        claim("events::time_stands_still_while_a_call_is_inside", time_stands_still),
    ];
    trials.extend(command::trials());
    trials.extend(edn::trials());
    trials.extend(files::trials());
    trials.extend(oracle::trials());
    trials.extend(sizes::trials());
    trials.extend(threads::trials());
    trials
}

/// Hands out tickets 0, 1 … 9, and then from 0 again. One may be thrown away, and if it `loses`, one may get lost without
/// anybody seeing it.
fn tickets(loses: bool) -> Toy {
    Toy::new((0..10).flat_map(|next| {
        let step = |name| Edge::new(next, (next + 1) % 10, name);
        let seen = ["Take", "Discard"].map(|name| step(name).says(Say::Number(f32::from(next))));
        seen.into_iter().chain(loses.then(|| step("Lose")))
    }))
}

/// Reads `take` (`ticket`), `discard` (`ticket`) and `next` (`ticket`, which is only looked at).
#[derive(Clone, Copy, Default)]
struct TicketReader {
    hides_discards: bool,
    blind: bool,
}

impl LogReader<Face> for TicketReader {
    fn admits(&self, event: &Event, step: &Labelled<'_, Face>) -> bool {
        let name = if step.input.0 == "Take" { "take" } else { "discard" };
        let ticket = match step.output {
            Say::Number(number) => *number as At,
            Say::Word(word) => panic!("{word} is no ticket"),
        };
        event.name == name && (self.blind || event.agrees("ticket", ticket))
    }

    fn reads(&self, event: &Event, _: &Toy, next: &At) -> bool {
        event.name == "next" && event.agrees("ticket", next)
    }

    fn hidden(&self, step: &Labelled<'_, Face>) -> bool {
        self.hides_discards && step.input.0 == "Discard"
    }
}

const PLAIN: TicketReader = TicketReader { hides_discards: false, blind: false };
const HIDING: TicketReader = TicketReader { hides_discards: true, blind: false };

/// From `begin` to `end`, somebody took `ticket`.
fn take(begin: u64, end: u64, ticket: u8) -> Recorded {
    Recorded { begin, end: Some(end), event: Event::new("", "take").with("ticket", ticket) }
}

fn run(model: Toy, job: Arc<dyn Job<Face>>) -> ConformanceReport {
    let check = Check::of(model).interface(FACE).subject("tickets", job);
    check.run().cases.remove(0).conformance.remove(0)
}

fn judged(reader: impl LogReader<Face>, log: Vec<Recorded>) -> ConformanceReport {
    let log = Log::new(log).expect("a log");
    run(tickets(false), Events::new(reader).of(move || Ok(log.clone())))
}

#[track_caller]
fn conforms(report: &ConformanceReport) {
    assert_eq!(report.verdict, Agreement::Conforms, "{:?}", report.why);
    assert_eq!(report.mode, Mode::Events);
}

#[track_caller]
fn diverges(report: &ConformanceReport, why: &str) {
    assert_eq!(report.verdict, Agreement::Diverges, "{:?}", report.why);
    assert_eq!(report.why.as_deref(), Some(why));
}

#[track_caller]
fn incomplete(report: &ConformanceReport, why: &str) {
    assert_eq!(report.verdict, Agreement::Incomplete);
    assert!(report.why.as_deref().is_some_and(|said| said.contains(why)), "{:?}", report.why);
}

fn overlap() {
    let report = judged(PLAIN, vec![take(1, 4, 1), take(2, 3, 0), take(5, 6, 2)]);
    conforms(&report);
    assert_eq!((report.effort.steps(), report.effort.edges()), (3, (0, 0)));
    // Each overlaps the next, and the last is first.
    conforms(&judged(PLAIN, vec![take(1, 6, 2), take(2, 7, 1), take(3, 8, 0)]));
}

fn precedence() {
    diverges(
        &judged(PLAIN, vec![take(1, 2, 1), take(3, 4, 0)]),
        "line 1, take ticket=1: no behaviour of the model explains it after the 0 events that can come before; \
         possible there: Take -> 0, Discard -> 0; it could be explained if it did not say ticket",
    );
    // The two in the middle overlap; what comes before and after them does not.
    assert_eq!(
        judged(PLAIN, vec![take(1, 2, 0), take(3, 6, 2), take(4, 5, 1), take(7, 8, 3)]).verdict,
        Agreement::Conforms
    );
    assert_eq!(
        judged(PLAIN, vec![take(1, 2, 0), take(3, 6, 2), take(4, 5, 3), take(7, 8, 1)]).verdict,
        Agreement::Diverges
    );
    // One that is under way all the time may come between any two.
    for long in 0..4 {
        let mut log = vec![take(1, 100, long)];
        log.extend((0..4).filter(|ticket| *ticket != long).map(|ticket| {
            let begin = u64::from(ticket) * 10 + 10;
            take(begin, begin + 1, ticket)
        }));
        conforms(&judged(PLAIN, log));
    }
}

fn lines() {
    conforms(&judged(PLAIN, vec![take(5, 6, 2), take(1, 2, 0), take(3, 4, 1)]));
    conforms(&judged(PLAIN, vec![take(500, 600, 1), take(7, 9, 0)]));
}

fn named() {
    let log = vec![take(3, 4, 1), take(1, 2, 0), take(5, 8, 4), take(6, 7, 2), take(9, 10, 3)];
    let report = judged(PLAIN, log);
    diverges(
        &report,
        "line 3, take ticket=4: no behaviour of the model explains it after the 3 events that can come before; \
         possible there: Take -> 3, Discard -> 3; it could be explained if it did not say ticket",
    );
    let trace = report.evidence.expect("a trace");
    let told: Vec<_> = trace.steps.iter().map(|step| (step.action.as_str(), step.implementation.as_str())).collect();
    assert_eq!(
        told,
        [
            ("", ""),
            ("Take", "line 2, take ticket=0"),
            ("Take", "line 1, take ticket=1"),
            ("Take", "line 4, take ticket=2"),
            ("", "line 3, take ticket=4"),
        ]
    );
    // What began after the event had ended is not kept.
    assert_eq!(trace.extra["log"].lines().count(), 4);
    // Of two events that overlap it is the one whose end leaves nothing: until then it may have been either.
    let report = judged(PLAIN, vec![take(1, 3, 0), take(2, 4, 0)]);
    assert!(report.why.is_some_and(|why| why.starts_with("line 2, ")));
    let report = judged(PLAIN, vec![take(1, 4, 0), take(2, 3, 0)]);
    assert!(report.why.is_some_and(|why| why.starts_with("line 1, ")));
}

fn omitted() {
    let silent = |begin| Recorded { begin, end: Some(begin + 1), event: Event::new("", "take") };
    conforms(&judged(PLAIN, vec![take(1, 2, 0), silent(3), silent(5), take(7, 8, 3)]));
    diverges(
        &judged(PLAIN, vec![take(1, 2, 0), silent(3), silent(5), take(7, 8, 4)]),
        "line 4, take ticket=4: no behaviour of the model explains it after the 3 events that can come before; \
         possible there: Take -> 3, Discard -> 3; it could be explained if it did not say ticket",
    );
}

fn hidden() {
    let log = || vec![take(1, 2, 0), take(3, 4, 3), take(5, 6, 4)];
    assert_eq!(judged(PLAIN, log()).verdict, Agreement::Diverges);
    conforms(&judged(HIDING, log()));
    // Also before the first and between any two, and told in a trace.
    conforms(&judged(HIDING, vec![take(1, 2, 7)]));
    let report = judged(HIDING, vec![take(1, 2, 1), take(3, 4, 10)]);
    assert_eq!(report.verdict, Agreement::Diverges);
    let trace = report.evidence.expect("a trace");
    let told: Vec<_> = trace.steps.iter().map(|step| (step.action.as_str(), step.implementation.as_str())).collect();
    assert_eq!(told, [("", ""), ("Discard", ""), ("Take", "line 1, take ticket=1"), ("", "line 2, take ticket=10")]);
}

fn internal() {
    let log = Log::new(vec![take(1, 2, 0), take(3, 4, 5)]).expect("a log");
    let job = Events::new(PLAIN).of(move || Ok(log.clone()));
    assert_eq!(run(tickets(false), job.clone()).verdict, Agreement::Diverges);
    conforms(&run(tickets(true), job));
}

fn readings() {
    let next = |begin, ticket: u8| Recorded {
        begin,
        end: Some(begin + 1),
        event: Event::new("", "next").with("ticket", ticket),
    };
    conforms(&judged(PLAIN, vec![next(1, 0), take(3, 4, 0), next(5, 1), next(7, 1), take(9, 10, 1)]));
    let report = judged(PLAIN, vec![next(1, 0), take(3, 4, 0), next(5, 0)]);
    assert!(report.why.is_some_and(|why| why.starts_with("line 3, next ticket=0: ")));
}

fn unfinished() {
    let open = |begin| Recorded { begin, end: None, event: Event::new("", "take") };
    conforms(&judged(PLAIN, vec![open(1), take(2, 3, 0)]));
    conforms(&judged(PLAIN, vec![open(1), take(2, 3, 1)]));
    conforms(&judged(PLAIN, vec![open(1), take(2, 3, 0), take(4, 5, 2)]));
    // It may take effect once, and not before it began.
    assert_eq!(judged(PLAIN, vec![open(1), take(2, 3, 2)]).verdict, Agreement::Diverges);
    assert_eq!(judged(PLAIN, vec![take(1, 2, 1), open(3)]).verdict, Agreement::Diverges);
    incomplete(&judged(PLAIN, vec![open(1), open(2)]), "no event of the log has ended");
}

fn empty() {
    incomplete(&judged(PLAIN, Vec::new()), "the log is empty");
}

fn too_many() {
    let log: Vec<Recorded> = (0..8).map(|at| take(1 + u64::from(at), 100 + u64::from(at), at)).collect();
    let bounded = |most: usize| {
        let log = Log::new(log.clone()).expect("a log");
        run(tickets(false), Events::new(PLAIN).explanations_max(most).of(move || Ok(log.clone())))
    };
    // The start, and one way for each of eight events.
    let enough = bounded(9);
    conforms(&enough);
    assert_eq!(enough.effort, Effort::Events { events: 8, explanations_max: 9 });
    incomplete(&bounded(8), "more than 8 ways of explaining the log");
    incomplete(&bounded(0), "more than 0 ways");
}

fn no_log() {
    let hangs = Events::new(PLAIN).of(|| {
        loop {
            std::thread::park();
        }
    });
    let check =
        Check::of(tickets(false)).interface(FACE).subject("tickets", hangs).answer_within(Duration::from_millis(50));
    incomplete(&check.run().cases.remove(0).conformance.remove(0), "did not end within 50 ms");
    let unreadable = Events::new(PLAIN).of(|| Log::read(std::path::Path::new("there/is/no.jsonl")));
    incomplete(&run(tickets(false), unreadable), "there/is/no.jsonl: ");
}

/// Whoever takes a ticket does not say which, and some are thrown away: all ten states explain each line.
fn long() {
    let count = 100_000;
    let mut log: Vec<Recorded> = (0..count)
        .map(|at| Recorded { begin: 2 * at + 1, end: Some(2 * at + 2), event: Event::new("", "take") })
        .collect();
    let report = judged(HIDING, log.clone());
    conforms(&report);
    assert_eq!(report.effort.steps(), 100_000);
    log.push(Recorded { begin: 2 * count + 1, end: Some(2 * count + 2), event: Event::new("", "give") });
    let report = judged(HIDING, log);
    assert!(report.why.is_some_and(|why| why.starts_with("line 100001, give: ")));
}

/// Sixteen at once that say nothing: 2^16 sets of explained events, in 16! orders.
fn wide() {
    let mut log: Vec<Recorded> =
        (0..16).map(|at| Recorded { begin: 1 + at, end: Some(100 + at), event: Event::new("", "take") }).collect();
    log.push(take(200, 201, 6));
    conforms(&judged(PLAIN, log.clone()));
    log.pop();
    log.push(take(200, 201, 7));
    assert_eq!(judged(PLAIN, log).verdict, Agreement::Diverges);
}

fn case(reader: TicketReader) -> Case {
    let log = vec![take(1, 2, 0), take(3, 6, 2), take(4, 5, 3), take(7, 8, 1)];
    let job = Events::new(reader).of(move || Log::new(log.clone()));
    Case::new("tickets/log", Check::of(tickets(false)).interface(FACE).subject("tickets", job).diverges("tickets"))
}

fn replays() {
    let report = case(PLAIN).run(&Options::default()).0;
    let trace = report.conformance[0].evidence.clone().expect("a trace");
    let read = counterpart::trace::Trace::parse("a file".as_ref(), trace.to_json().as_bytes()).expect("a trace");
    assert_eq!(read, trace);
    let replayed = case(PLAIN).replay(&read, &Options::default()).expect("it can be replayed");
    assert!(replayed.reproduces && replayed.as_expected, "{}", replayed.summary());
    let blind = TicketReader { blind: true, ..PLAIN };
    let replayed = case(blind).replay(&read, &Options::default()).expect("it can be replayed");
    assert!(!replayed.reproduces && !replayed.as_expected, "{}", replayed.summary());
}

fn broken_trace() {
    let report = case(PLAIN).run(&Options::default()).0;
    let mut trace = report.conformance[0].evidence.clone().expect("a trace");
    trace.extra.insert("log".into(), "{\"begin\":2".into());
    let error = case(PLAIN).replay(&trace, &Options::default()).expect_err("it is cut off");
    assert!(error.to_string().contains("the trace's log:1: the last line is cut off"), "{error}");
    trace.extra.clear();
    let error = case(PLAIN).replay(&trace, &Options::default()).expect_err("it has no log");
    assert_eq!(error.to_string(), "the trace carries no log");
}

fn by_text() {
    let said = |begin, input: &str, output: Option<&str>| {
        let event = Event::new("", "call").with("input", input);
        let event = if let Some(output) = output { event.with("output", output) } else { event };
        Recorded { begin, end: Some(begin + 1), event }
    };
    conforms(&judged(ByText, vec![said(1, "Take", Some("0")), said(3, "Discard", None), said(5, "Take", Some("2"))]));
    let report = judged(ByText, vec![said(1, "Take", Some("0")), said(3, "Discard", Some("0"))]);
    assert!(report.why.is_some_and(|why| why.starts_with("line 2, call input=Discard output=0: ")));
    let number = Recorded { begin: 1, end: Some(2), event: Event::new("", "call").with("output", 0) };
    assert_eq!(judged(ByText, vec![number]).verdict, Agreement::Diverges, "the text of a field is text");
}

fn layer() {
    let log = EventLog::of("tickets");
    let still_open = log.here(|| {
        let outer = tracing::info_span!(target: "tickets", "take", actor = "her", ticket = tracing::field::Empty);
        let _other = tracing::info_span!(target: "tickets::inner", "take").entered();
        tracing::info!(target: "tickets", found = false, half = 0.5, what = ?Word::from("Take"), "looked");
        outer.record("ticket", 3_u64);
        drop(outer);
        tracing::info_span!(target: "tickets", "give", actor = 7, lost = -1)
    });
    let named = std::thread::Builder::new().name("him".into()).spawn({
        let log = log.clone();
        move || log.here(|| tracing::info!(target: "tickets", "look"))
    });
    named.expect("a thread can be started").join().expect("it ends");
    let recorded = log.recorded();
    let told: Vec<Value> =
        recorded.events().iter().map(|Recorded { begin, end, event }| json!([begin, end, event.to_string()])).collect();
    assert_eq!(
        told,
        [
            json!([1, 3, "take ticket=3"]),
            json!([2, 2, "looked found=false half=0.5 what=Take"]),
            json!([4, null, "give lost=-1"]),
            json!([5, 5, "look"]),
        ]
    );
    let actors: Vec<&str> = recorded.events().iter().map(|recorded| recorded.event.actor.as_str()).collect();
    assert_eq!((actors[0], actors[2], actors[3]), ("her", "7", "him"));
    drop(still_open);
    assert_eq!(log.recorded().events()[2].end, Some(6));
}

/// Hands out tickets, and skips some if it is told to.
struct Booth {
    next: AtomicU8,
    skips: u8,
}

impl Shared<Face> for Booth {
    fn call(&self, _: &Word) -> Say {
        Say::Number(f32::from(self.next.fetch_add(1 + self.skips, Ordering::SeqCst)))
    }
}

struct Tells;

impl LogWriter<Face> for Tells {
    fn begins(&self, input: &Word) -> Span {
        assert_eq!(input.0, "Take");
        tracing::info_span!(target: "tickets", "take", ticket = tracing::field::Empty)
    }

    fn ends(&self, span: &Span, output: &Say) {
        if let Say::Number(ticket) = output {
            span.record("ticket", f64::from(*ticket) as u64);
        }
    }

    fn moves_time(&self, input: &Word) -> bool {
        input.0 == "Tick"
    }
}

fn logged() {
    let judged = |skips| {
        let log = EventLog::of("tickets");
        let booth = Logged::new(Booth { next: AtomicU8::new(0), skips }, Tells);
        let takes = || (0..3).for_each(|_| _ = Shared::<Face>::call(&booth, &Word::from("Take")));
        log.here(takes);
        let log = log.recorded();
        assert_eq!(log.events().len(), 3);
        run(tickets(false), Events::new(PLAIN).of(move || Ok(log.clone())))
    };
    conforms(&judged(0));
    let report = judged(1);
    assert_eq!(report.verdict, Agreement::Diverges);
    assert!(report.why.is_some_and(|why| why.starts_with("line 2, take ticket=2 by ")));
}

/// Whether the clock was moved, and whether that was seen from inside a call.
#[derive(Default)]
struct Clocked {
    is_asked_to_move: AtomicBool,
    has_moved: AtomicBool,
    moved_inside: AtomicBool,
}

impl Shared<Face> for Clocked {
    fn call(&self, input: &Word) -> Say {
        if input.0 == "Tick" {
            self.has_moved.store(true, Ordering::SeqCst);
        } else {
            while !self.is_asked_to_move.load(Ordering::SeqCst) {
                std::thread::yield_now();
            }
            // Long enough that whoever asked would have moved it.
            for _ in 0..2_000 {
                std::thread::yield_now();
            }
            self.moved_inside.fetch_or(self.has_moved.load(Ordering::SeqCst), Ordering::SeqCst);
        }
        Say::Number(0.0)
    }
}

struct Silent;

impl LogWriter<Face> for Silent {
    fn begins(&self, _: &Word) -> Span {
        Span::none()
    }

    fn ends(&self, _: &Span, _: &Say) {}

    fn moves_time(&self, input: &Word) -> bool {
        input.0 == "Tick"
    }
}

fn time_stands_still() {
    let logged = Logged::new(Clocked::default(), Silent);
    let inside = Barrier::new(2);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            logged.look(|clocked| {
                inside.wait();
                Shared::<Face>::call(clocked, &Word::from("Take"))
            })
        });
        scope.spawn(|| {
            inside.wait();
            logged.look(|clocked| clocked.is_asked_to_move.store(true, Ordering::SeqCst));
            Shared::<Face>::call(&logged, &Word::from("Tick"))
        });
    });
    let flags = |clocked: &Clocked| [&clocked.has_moved, &clocked.moved_inside].map(|flag| flag.load(Ordering::SeqCst));
    assert_eq!(logged.look(flags), [true, false]);
}
