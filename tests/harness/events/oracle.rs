//! The search for an explanation against the definition of one: random models, random histories, every set of events and
//! every state that can be come to, one after the other and without any cleverness.

use std::collections::HashSet;

use counterpart::Check;
use counterpart::conform::Agreement;
use counterpart::conform::events::{Event, Events, Labelled, Link, Log, LogError, LogReader, Recorded};
use libtest_mimic::Trial;
use rand_pcg::Pcg64;
use rand_pcg::rand_core::{Rng, SeedableRng};

use crate::claim;
use crate::toy::{At, Edge, FACE, Face, Say, Toy};

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("events::thousands_of_random_histories_are_judged_as_the_definition_says", random_histories),
        claim("events::what_follows_by_name_is_judged_as_the_definition_says", random_links),
        claim("events::what_follows_what_is_read_by_name_and_by_vector_clocks", read_links),
    ]
}

const HISTORIES: u64 = 4_000;

const INPUTS: [&str; 3] = ["A", "B", "C"];
const OUTPUTS: [&str; 2] = ["x", "y"];

/// Reads `input` and `output`, either of which may be left out. `C` may go unrecorded, and `see` reads a state.
#[derive(Clone, Copy)]
struct Reader {
    hides: bool,
}

fn admits(event: &Event, input: &str, output: &str) -> bool {
    event.name == "call" && event.agrees("input", input) && event.agrees("output", output)
}

fn sees(event: &Event, state: At) -> bool {
    event.name == "see" && event.agrees("state", state)
}

fn word(say: Say) -> &'static str {
    match say {
        Say::Word(word) => word,
        Say::Number(number) => panic!("{number} is not said here"),
    }
}

impl LogReader<Face> for Reader {
    fn admits(&self, event: &Event, step: &Labelled<'_, Face>) -> bool {
        admits(event, step.input.0, word(*step.output))
    }

    fn reads(&self, event: &Event, _: &Toy, state: &At) -> bool {
        sees(event, *state)
    }

    fn hidden(&self, step: &Labelled<'_, Face>) -> bool {
        self.hides && step.input.0 == "C"
    }
}

struct Dice(Pcg64);

impl Dice {
    fn below(&mut self, count: usize) -> usize {
        (self.0.next_u64() % count as u64) as usize
    }

    fn percent(&mut self, of: usize) -> bool {
        self.below(100) < of
    }

    fn model(&mut self) -> Toy {
        let states = 2 + self.below(4);
        let mut edges = Vec::new();
        for from in 0..states as At {
            for input in INPUTS {
                for _ in 0..[0, 1, 1, 1, 2][self.below(5)] {
                    let to = (!self.percent(20)).then(|| self.below(states) as At);
                    edges.push(Edge::new(from, to, input).says(Say::Word(OUTPUTS[self.below(2)])));
                }
            }
            if self.percent(15) {
                edges.push(Edge::new(from, self.below(states) as At, "inside"));
            }
        }
        Toy::new(edges)
    }

    /// What a run of `model` could have left, somewhat falsified.
    fn log(&mut self, model: &Toy) -> Vec<Recorded> {
        let count = 2 + self.below(5);
        let mut numbers: Vec<u64> = (1..=2 * count as u64).collect();
        (1..numbers.len()).rev().for_each(|at| numbers.swap(at, self.below(at + 1)));
        let mut state = 0;
        let mut log = Vec::new();
        for pair in numbers.chunks(2) {
            let steps: Vec<&Edge> = model.edges.iter().filter(|edge| edge.from == state).collect();
            let step = (!steps.is_empty()).then(|| steps[self.below(steps.len())]);
            let actor = ["", "", "her", "him"][self.below(4)];
            let mut event = Event::new(actor, if self.percent(10) { "see" } else { "call" });
            if event.name == "see" {
                event = event.with("state", state);
            } else if let Some((input, output)) = step.and_then(|step| step.label) {
                let falsified = self.percent(15);
                let output = if falsified { OUTPUTS[self.below(2)] } else { word(output) };
                event = if self.percent(85) { event.with("input", input.0) } else { event };
                event = if self.percent(75) { event.with("output", output) } else { event };
            }
            state = step.and_then(|step| step.to).unwrap_or(state);
            let (begin, end) = (pair[0].min(pair[1]), pair[0].max(pair[1]));
            log.push(Recorded { begin, end: (!self.percent(25)).then_some(end), event });
        }
        log
    }
}

/// The event that nothing explains, by its line, and how many can come before it; `None` if there is none.
fn defined(model: &Toy, log: &[Recorded], hides: bool) -> Option<(usize, u32)> {
    let mut reached: Vec<(u32, At)> = vec![(0, 0)];
    let mut known: HashSet<(u32, At)> = reached.iter().copied().collect();
    let mut dead: Option<(u64, usize, u32)> = None;
    let mut next = 0;
    while let Some((explained, state)) = reached.get(next).copied() {
        next += 1;
        let open = || (0..log.len()).filter(|event| explained & (1 << event) == 0);
        let due = open().filter_map(|event| Some((log[event].end?, event))).min();
        let (end, due) = due?;
        if dead.is_none_or(|(farthest, _, most)| (end, explained.count_ones()) > (farthest, most)) {
            dead = Some((end, due, explained.count_ones()));
        }
        let mut reach = |way: (u32, At)| {
            if known.insert(way) {
                reached.push(way);
            }
        };
        for edge in model.edges.iter().filter(|edge| edge.from == state) {
            let to = edge.to.unwrap_or(state);
            let is_hidden = edge.label.is_none_or(|(input, _)| hides && input.0 == "C" && edge.to.is_some());
            if is_hidden {
                reach((explained, to));
            }
        }
        for event in open().filter(|event| open().all(|other| log[other].end.is_none_or(|end| end > log[*event].begin)))
        {
            let after = explained | 1 << event;
            if sees(&log[event].event, state) {
                reach((after, state));
            }
            for edge in model.edges.iter().filter(|edge| edge.from == state) {
                if edge.label.is_some_and(|(input, output)| admits(&log[event].event, input.0, word(output))) {
                    reach((after, edge.to.unwrap_or(state)));
                }
            }
        }
    }
    dead.map(|(_, due, most)| (due, most))
}

/// Whether some order explains all that has to be explained, where `links` say what follows what as well.
fn is_explained(model: &Toy, log: &[Recorded], links: &[Link], hides: bool) -> bool {
    let link = |event: usize| links.iter().find(|link| link.event == event);
    let is_unplaced = |event: usize| link(event).is_some_and(|link| link.is_unplaced);
    let precedes = |first: usize, then: usize| {
        let named = link(then).is_some_and(|link| link.follows.contains(&log[first].begin));
        named || (!is_unplaced(then) && log[first].end.is_some_and(|end| end < log[then].begin))
    };
    let required = (0..log.len()).filter(|event| log[*event].end.is_some() || is_unplaced(*event));
    let required = required.fold(0_u32, |all, event| all | 1 << event);
    let mut reached: Vec<(u32, At)> = vec![(0, 0)];
    let mut known: HashSet<(u32, At)> = reached.iter().copied().collect();
    let mut next = 0;
    while let Some((explained, state)) = reached.get(next).copied() {
        next += 1;
        if explained & required == required {
            return true;
        }
        let open = || (0..log.len()).filter(|event| explained & (1 << event) == 0);
        let free = || open().filter(|event| open().all(|other| !precedes(other, *event)));
        let mut after: Vec<(u32, At)> = Vec::new();
        for edge in model.edges.iter().filter(|edge| edge.from == state) {
            let to = edge.to.unwrap_or(state);
            match edge.label {
                None => after.push((explained, to)),
                Some((input, output)) => {
                    let named = free().filter(|event| admits(&log[*event].event, input.0, word(output)));
                    after.extend(named.map(|event| (explained | 1 << event, to)));
                    after.extend((hides && input.0 == "C").then_some((explained, to)));
                }
            }
        }
        after.extend(
            free().filter(|event| sees(&log[*event].event, state)).map(|event| (explained | 1 << event, state)),
        );
        reached.extend(after.into_iter().filter(|way| known.insert(*way)));
    }
    false
}

fn random_links() {
    let (mut explained, mut unexplained, mut circles) = (0, 0, 0);
    for seed in 0..HISTORIES / 2 {
        let mut dice = Dice(Pcg64::seed_from_u64(seed));
        let model = dice.model();
        let mut log = dice.log(&model);
        let mut links: Vec<Link> = Vec::new();
        for event in 0..log.len() {
            // Who is named does one thing at a time.
            log[event].event.actor.clear();
            let is_unplaced = dice.percent(20);
            let others: Vec<u64> = log.iter().map(|recorded| recorded.begin).filter(|_| dice.percent(12)).collect();
            let follows: Vec<u64> = others.into_iter().filter(|begin| *begin != log[event].begin).collect();
            if is_unplaced {
                log[event].end = None;
            }
            if is_unplaced || !follows.is_empty() {
                links.push(Link { event, follows, is_unplaced });
            }
        }
        let hides = dice.percent(50);
        let source = match Log::linked(log.clone(), links.clone()) {
            Ok(source) => source,
            Err(error) => {
                assert!(matches!(error, LogError::Circle { .. }), "seed {seed}: {error}");
                circles += 1;
                continue;
            }
        };
        let text = source.to_json_lines();
        assert_eq!(Log::parse("log".as_ref(), text.as_bytes()).expect("a log"), source, "seed {seed}");
        let wanted = is_explained(&model, &log, &links, hides);
        let job = Events::new(Reader { hides }).of(move || Ok(source.clone()));
        let check = Check::of(model).interface(FACE).alongside_only().subject("random", job);
        let report = check.run().cases.remove(0).conformance.remove(0);
        match report.verdict {
            Agreement::Incomplete => assert!(wanted, "seed {seed}: {:?}", report.why),
            verdict => {
                assert_eq!(verdict == Agreement::Conforms, wanted, "seed {seed}: {:?}\n{log:#?}\n{links:?}", report.why)
            }
        }
        if wanted { explained += 1 } else { unexplained += 1 }
    }
    let all = format!("{explained} are explained, {unexplained} are not, {circles} make no order");
    assert!(explained > 200 && unexplained > 200 && circles > 50, "{all}");
}

fn read_links() {
    let read = |text: &str| Log::parse("log".as_ref(), text.as_bytes());
    let line = |actor: &str, rest: &str| format!("{{\"actor\":\"{actor}\",\"name\":\"call\",{rest}}}\n");
    let by_name = [line("a", "\"number\":1"), line("b", "\"number\":2,\"follows\":[1]")].concat();
    let by_clock =
        [line("a", "\"number\":1,\"clock\":{\"a\":1}"), line("b", "\"number\":2,\"clock\":{\"a\":1,\"b\":1}")];
    assert_eq!(read(&by_name).expect("a log"), read(&by_clock.concat()).expect("a log"));
    for (rest, said) in [
        ("\"number\":3,\"follows\":[7]", "log:3: the event follows 7, and no event of the log begins with that number"),
        ("\"number\":3,\"follows\":[3]", "log:3: the event would have to come before itself"),
        ("\"begin\":3,\"end\":4,\"follows\":[5]", "log:3: the event would have to come before itself"),
        ("\"number\":3,\"end\":4", "log:3: at number: an event has either this or begin and end"),
        ("\"number\":3,\"follows\":1", "log:3: at follows: a list of numbers was expected"),
        ("\"number\":3,\"clock\":{\"a\":1}", "log:3: at clock: it does not count the events of \"c\" itself"),
        ("\"number\":3,\"clock\":[]", "log:3: at clock: an object was expected"),
        ("\"number\":3,\"clock\":{\"c\":-1}", "log:3: at clock: a whole number from 0 to"),
    ] {
        let text = [by_name.clone(), line("c", rest), line("d", "\"begin\":5,\"end\":6")].concat();
        let error = read(&text).expect_err(rest);
        assert!(error.to_string().starts_with(said), "{rest}: {error}");
    }
    let twice = [line("a", "\"number\":1,\"clock\":{\"a\":1}"), line("a", "\"number\":2,\"clock\":{\"a\":1}")].concat();
    let error = read(&twice).expect_err("two first events");
    assert!(error.to_string().starts_with("log:2: at clock: line 1 is event 1 of \"a\" already"), "{error}");
}

fn random_histories() {
    let (mut explained, mut unexplained) = (0, 0);
    for seed in 0..HISTORIES {
        let mut dice = Dice(Pcg64::seed_from_u64(seed));
        let model = dice.model();
        let log = dice.log(&model);
        let reader = Reader { hides: dice.percent(50) };
        if log.iter().all(|recorded| recorded.end.is_none()) {
            continue;
        }
        let wanted = defined(&model, &log, reader.hides);
        let source = Log::new(log.clone()).expect("a log");
        let job = Events::new(reader).of(move || Ok(source.clone()));
        let check = Check::of(model).interface(FACE).alongside_only().subject("random", job);
        let report = check.run().cases.remove(0).conformance.remove(0);
        let said = report.why.unwrap_or_default();
        match wanted {
            None => {
                assert_eq!(report.verdict, Agreement::Conforms, "seed {seed}: {said}\n{log:#?}");
                explained += 1;
            }
            Some((event, most)) => {
                assert_eq!(report.verdict, Agreement::Diverges, "seed {seed}, line {}: {said}\n{log:#?}", event + 1);
                assert!(said.starts_with(&format!("line {}, ", event + 1)), "seed {seed}, line {}: {said}", event + 1);
                let told = format!("after the {most} events that can come before");
                assert!(said.contains(&told), "seed {seed}, {told}: {said}");
                unexplained += 1;
            }
        }
    }
    assert!(explained > 500 && unexplained > 500, "{explained} are explained, {unexplained} are not");
}
