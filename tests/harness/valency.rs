//! Valency, on attempts whose configurations are counted by hand, and on random graphs where every question is answered
//! a second time by a search of its own.

mod oracle;
mod toy;

use std::collections::BTreeMap;
use std::sync::Arc;

use counterpart::explore::{Budget, Graph, explore};
use counterpart::model::{Consensus, Event, Values};
use counterpart::verdict::valency::{AdjacentPair, Deciding, Lemma2, Printed, Valencies, Valency, ValencyError};
use counterpart::view::ValencyPicture;
use libtest_mimic::Trial;

use self::toy::{Action, AsConsensus, Attempt, State, Toy};
use crate::toy::Take;
use crate::{claim, snapshot};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        claim("valency::a_sequencer_decides_where_both_votes_are_under_way", sequencer),
        claim("valency::steps_that_change_nothing_settle_nothing", idle),
        claim("valency::waiting_for_all_has_no_bivalent_configuration", wait_for_all),
        claim("valency::disagreement_is_counted_and_not_critical", hasty),
        claim("valency::what_cannot_decide_any_more_is_nullvalent", picky),
        claim("valency::inputs_that_leave_gaps_are_told_from_ones_that_do_not_matter", gaps),
        claim("valency::an_incomplete_graph_is_refused", refused),
        claim("valency::a_summary_is_a_few_lines", summary),
        claim("valency::a_picture_is_the_same_every_time", pictures),
        claim("valency::hostile_text_stays_text", hostile_text),
        claim("valency::thousands_of_random_graphs_agree_with_searching_each_anew", oracle::agreement),
    ]
}

fn explored(toy: Toy) -> Graph<Toy> {
    explore(Arc::new(toy), &Budget::default()).expect("a model")
}

fn valencies(graph: &Graph<Toy>) -> Valencies<'_> {
    Valencies::of(graph, &AsConsensus).expect("a complete graph")
}

/// The node of the state with these inputs, of which `holds`.
#[track_caller]
fn node(graph: &Graph<Toy>, inputs: [u8; 3], holds: impl Fn(&State) -> bool) -> usize {
    graph.states().iter().position(|state| state.inputs == inputs && holds(state)).expect("a reachable state")
}

fn counted(valencies: &Valencies<'_>) -> BTreeMap<Valency, usize> {
    valencies.summary().configurations
}

const BOTH: [u8; 2] = [0, 1];

fn bivalent() -> Valency {
    Valency::Bivalent(Values::from_iter(BOTH))
}

/// For each of the 8 inputs, before the decision each of two votes is unsent or under way: 4. After it one vote is
/// taken and the other unsent, under way or taken as well, and each of two announcements is under way or taken. Where
/// the votes are equal, 5 ways for the votes times 4 are 20. Where they differ, the decision remembers which was first:
/// 2 times 3 times 4 are 24. So 4 inputs have 24 configurations, and 4 have 28, of which those before the decision are
/// bivalent.
fn sequencer() {
    let graph = explored(Toy::of(Attempt::Sequencer));
    let valencies = valencies(&graph);
    let expected =
        [(Valency::Univalent(0), 4 * 12 + 4 * 12), (Valency::Univalent(1), 4 * 12 + 4 * 12), (bivalent(), 16)];
    assert_eq!(counted(&valencies), BTreeMap::from(expected));
    // Process 0's own input is not looked at.
    assert_eq!(valencies.lemma_2(), Lemma2::Bivalent(vec![0b001, 0b010, 0b101, 0b110]));
    let critical = valencies.critical();
    assert_eq!(critical.len(), 4);
    for configuration in &critical {
        let state = &graph.states()[configuration.node];
        assert!(state.inputs[1] != state.inputs[2] && state.sent.len() == 2 && state.taken.is_empty());
        assert_eq!(configuration.values(), Values::from_iter(BOTH));
        assert_eq!(configuration.decider(), Some(0));
        let steps: Vec<(Event<Printed>, u8)> =
            configuration.steps.iter().map(|step| (step.event.clone(), step.value)).collect();
        let printed = |action: Action| Printed(format!("{action:?}"));
        let deliver = |from| (Event::of(0, printed(Action::Deliver { to: 0, from })), state.inputs[from]);
        assert_eq!(steps, [deliver(1), deliver(2)]);
        assert_eq!(valencies.decision_without(configuration.node, 0), None);
        // Either of the others may stop: process 0 decides at the next step.
        for process in [1, 2] {
            let decided = valencies.decision_without(configuration.node, process).expect("a decision");
            assert_eq!(graph.depth_of(decided), graph.depth_of(configuration.node) + 1);
        }
    }
    // In the first of a bivalent input's four configurations two sends are applicable, and Lemma 3 holds of both. Where
    // one vote is under way, it does of the send that is left, and not of taking the vote: with it the decision is
    // made, by this vote or before by the other. Where both are, it holds of neither.
    let lemma_3 = valencies.lemma_3();
    assert_eq!((lemma_3.pairs, lemma_3.failures), (4 * 8, 4 * 4));
    assert_eq!(lemma_3.nearest.len(), 16);
    assert_eq!(graph.depth_of(lemma_3.nearest[0].node), 1);
    let one_sent = node(&graph, [0, 0, 1], |state| state.sent.len() == 1 && state.taken.is_empty());
    assert_eq!((lemma_3.nearest[0].node, lemma_3.nearest[0].event.process), (one_sent, Some(0)));
}

fn idle() {
    let graph = explored(Toy { attempt: Attempt::Sequencer, idle: true });
    let valencies = valencies(&graph);
    let critical = valencies.critical();
    assert_eq!(critical.len(), 4);
    assert!(critical.iter().all(|configuration| configuration.steps.len() == 2));
    // Three more pairs for each of 16 bivalent configurations, and Lemma 3 holds of them: the configuration is in D.
    let lemma_3 = valencies.lemma_3();
    assert_eq!((lemma_3.pairs, lemma_3.failures), (32 + 16 * 3, 16));
}

/// For each input, a vote is unsent, or sent and taken by neither, one or both of two: 5 ways for each of 3 votes.
fn wait_for_all() {
    let graph = explored(Toy::of(Attempt::WaitForAll));
    let valencies = valencies(&graph);
    let expected = [(Valency::Univalent(0), 7 * 125), (Valency::Univalent(1), 125)];
    assert_eq!(counted(&valencies), BTreeMap::from(expected));
    // The least of the inputs is 1 for 111 only; the first that is adjacent to it is 011.
    let pair = AdjacentPair { nodes: (0b011, 0b111), values: (0, 1), process: 0 };
    assert_eq!(valencies.lemma_2(), Lemma2::Adjacent(pair));
    let summary = valencies.summary();
    assert_eq!(summary.pair_blocks, Some(true), "whoever stops before it has sent blocks all");
    assert_eq!((summary.critical, summary.lemma_3.pairs), (0, 0), "nothing is bivalent");
    // Once all votes are out, process 0 may stop.
    let all_sent = node(&graph, [1, 1, 1], |state| state.sent.len() == 3 && state.taken.is_empty());
    assert!(valencies.decision_without(all_sent, 0).is_some());
}

/// Each of two decides its own: 4 configurations an input. Where the inputs differ, the way to the other value is open
/// from every configuration, up to the last, in which both are decided.
fn hasty() {
    let graph = explored(Toy::of(Attempt::Hasty));
    let valencies = valencies(&graph);
    let expected = [(Valency::Univalent(0), 4), (Valency::Univalent(1), 4), (bivalent(), 8)];
    assert_eq!(counted(&valencies), BTreeMap::from(expected));
    let disagreements: Vec<usize> = valencies.disagreements().collect();
    assert_eq!(disagreements.len(), 2);
    // Nothing leads out of a disagreement, and yet that settles nothing.
    assert!(disagreements.iter().all(|node| graph.depth_of(*node) == 2 && valencies.critical_at(*node).is_none()));
    assert_eq!(valencies.critical(), []);
    // Two steps, then one on either side.
    let lemma_3 = valencies.lemma_3();
    assert_eq!((lemma_3.pairs, lemma_3.failures), (2 * 4, 0));
    // From the start, whoever stops: the other decides.
    assert!(valencies.decision_without(0b01, 0).is_some() && valencies.decision_without(0b01, 1).is_some());
}

/// For each input the start, one vote taken or the other, and both taken: 4 configurations if both votes come to the
/// same, and 5 otherwise, since the outcome remembers which was first.
fn picky() {
    let graph = explored(Toy::of(Attempt::Picky));
    let valencies = valencies(&graph);
    // All equal: 4 that decide. Both votes differ from process 0's input: 4 that never do. One differs: the start and
    // the 2 after the equal vote decide, the 2 after the other do not.
    let decided = 4 + 2 * 3;
    let expected = [(Valency::Univalent(0), decided), (Valency::Univalent(1), decided), (Valency::Nullvalent, 8 + 8)];
    assert_eq!(counted(&valencies), BTreeMap::from(expected));
    let initial: Vec<Valency> = valencies.initial().iter().map(|initial| initial.valency).collect();
    let (zero, one, none) = (Valency::Univalent(0), Valency::Univalent(1), Valency::Nullvalent);
    assert_eq!(initial, [zero, zero, zero, none, none, one, one, one]);
    // 000 is beside 100, which decides nothing.
    let pair = AdjacentPair { nodes: (0b001, 0b101), values: (0, 1), process: 0 };
    assert_eq!(valencies.lemma_2(), Lemma2::Adjacent(pair));
}

/// What a toy's states decide, and what the initial ones begin with.
struct Given(Vec<(Vec<u8>, Option<u8>)>);

impl Consensus for Given {
    type Model = crate::toy::Toy;
    type Message = ();

    fn inputs(&self, _: &crate::toy::Toy, initial: &u16) -> Vec<u8> {
        self.0[usize::from(*initial)].0.clone()
    }

    fn decided(&self, _: &crate::toy::Toy, state: &u16) -> Values {
        self.0[usize::from(*state)].1.iter().copied().collect()
    }

    fn event(&self, _: &crate::toy::Toy, _: &u16, _: &Take) -> Event<()> {
        Event::of(0, ())
    }
}

fn gaps() {
    let lemma_2 = |states: &[(&[u8], Option<u8>)]| {
        let given = Given(states.iter().map(|(inputs, decision)| (inputs.to_vec(), *decision)).collect());
        let inits: Vec<u16> = (0..states.len() as u16).collect();
        let model = crate::toy::Toy::of(&inits, &[]);
        let graph = explore(Arc::new(model), &Budget::default()).expect("a model");
        Valencies::of(&graph, &given).map(|valencies| valencies.lemma_2())
    };
    let (zero, one) = (Some(0), Some(1));
    assert_eq!(lemma_2(&[(&[0, 0], zero), (&[1, 1], one)]), Ok(Lemma2::Apart));
    assert_eq!(lemma_2(&[(&[0, 0], zero), (&[0, 1], None)]), Ok(Lemma2::Apart));
    assert_eq!(lemma_2(&[(&[0, 0], zero), (&[0, 1], zero)]), Ok(Lemma2::Uniform(Valency::Univalent(0))));
    assert_eq!(lemma_2(&[(&[0, 0], None), (&[0, 1], None)]), Ok(Lemma2::Uniform(Valency::Nullvalent)));
    let pair = AdjacentPair { nodes: (1, 2), values: (0, 1), process: 1 };
    assert_eq!(
        lemma_2(&[(&[1, 1], zero), (&[0, 0], zero), (&[0, 1], one), (&[1, 0], one)]),
        Ok(Lemma2::Adjacent(AdjacentPair { nodes: (0, 2), values: (0, 1), process: 0 }))
    );
    assert_eq!(lemma_2(&[(&[1, 0], zero), (&[0, 0], zero), (&[0, 1], one)]), Ok(Lemma2::Adjacent(pair)));
    assert_eq!(lemma_2(&[(&[1, 0], zero), (&[0], one)]), Err(ValencyError::Inputs { node: 1, found: 1, expected: 2 }));
}

fn refused() {
    let budget = Budget::default().depth_max(2);
    let graph = explore(Arc::new(Toy::of(Attempt::Sequencer)), &budget).expect("a model");
    let Err(error) = Valencies::of(&graph, &AsConsensus) else { panic!("only part of it was seen") };
    assert_eq!(error, ValencyError::Incomplete("the limit of 2 steps was reached".into()));
    assert!(error.to_string().contains("the limit of 2 steps was reached"), "{error}");
}

fn summary() {
    let text = |attempt| valencies(&explored(Toy::of(attempt))).summary().to_string();
    assert_eq!(
        text(Attempt::Sequencer),
        "configurations: 208: 96 0-valent, 96 1-valent, 16 bivalent\n\
         initial: 8: 2 0-valent (000 100), 2 1-valent (011 111), 4 bivalent (001 010 101 110)\n\
         Lemma 2: holds, 4 initial are bivalent\n\
         critical: 4; process 0 decides in 4, and its stopping blocks in 4\n\
         Lemma 3: fails for 16 of 32 pairs, first in configuration 10 of (process 0, Deliver { to: 0, from: 1 })"
    );
    assert_eq!(
        text(Attempt::WaitForAll),
        "configurations: 1000: 875 0-valent, 125 1-valent\n\
         initial: 8: 7 0-valent (000 001 010 011 100 101 110), 1 1-valent (111)\n\
         Lemma 2: none is bivalent; 011 and 111 differ in process 0 and decide 0 and 1; without it nothing is decided \
         from either\n\
         critical: 0\n\
         Lemma 3: holds for all 0 pairs"
    );
    assert!(text(Attempt::Hasty).contains("\nagreement: broken in 2 configurations\n"));
    assert!(text(Attempt::Picky).contains(" 16 nullvalent\n"));
    let deciders = valencies(&explored(Toy::of(Attempt::Sequencer))).summary().deciders;
    assert_eq!(deciders, BTreeMap::from([(Some(0), Deciding { critical: 4, blocking: 4 })]));
}

/// As short as it can be told apart.
fn brief(event: &Event<Action>) -> String {
    match event.message {
        Action::Send { process } => format!("{process} sends"),
        Action::Deliver { to, from } => format!("{to} takes {from}"),
        Action::Idle { process } => format!("{process} idles"),
    }
}

fn pictures() {
    for (name, attempt, inputs) in [("sequencer", Attempt::Sequencer, 0b001), ("picky", Attempt::Picky, 0b001)] {
        let graph = explored(Toy { attempt, idle: true });
        let valencies = valencies(&graph);
        let picture =
            || ValencyPicture::of(&valencies).title(format!("{name}, inputs 001")).events(&graph, &AsConsensus, brief);
        let part = picture().reached_from(inputs);
        snapshot(&format!("valency/{name}-dot"), &part.dot());
        snapshot(&format!("valency/{name}-svg"), &part.svg());
        assert!(!part.dot().contains("idles"), "steps that change nothing are left out");
        let again = picture().reached_from(inputs);
        assert_eq!((part.dot(), part.svg()), (again.dot(), again.svg()));
        // Every hash map has a seed of its own: a layout that depends on one would differ before long.
        let first = part.svg();
        assert!((0..8).all(|_| picture().reached_from(inputs).svg() == first));
        assert_eq!(shown(&part.dot()), valencies_from(&graph, inputs));
        assert_eq!(shown(&picture().dot()), graph.states().len());
    }
    let graph = explored(Toy::of(Attempt::Hasty));
    let hasty = ValencyPicture::of(&valencies(&graph)).dot();
    assert!(hasty.contains("shape=octagon") && hasty.contains("decided 0 and 1"), "{hasty}");
    assert!(!hasty.contains("peripheries=2"), "nothing is critical");
}

/// How many configurations a DOT text has.
fn shown(dot: &str) -> usize {
    dot.lines().filter(|line| line.starts_with("    n") && line.contains("shape=")).count()
}

/// Nothing meets that began with other inputs.
fn valencies_from(graph: &Graph<Toy>, initial: usize) -> usize {
    let inputs = &graph.states()[initial].inputs;
    graph.states().iter().filter(|state| state.inputs == *inputs).count()
}

fn hostile_text() {
    let graph = explored(Toy::of(Attempt::Picky));
    let valencies = valencies(&graph);
    let hostile = "</text><script>&\"\\\u{1b}]]>";
    let picture = ValencyPicture::of(&valencies).title(hostile).reached_from(1);
    let picture = picture.states(&graph, move |_| format!("{hostile}\nsecond"));
    let picture = picture.events(&graph, &AsConsensus, |_| hostile.into());
    let svg = picture.svg();
    well_formed(&svg);
    assert!(!svg.contains("<script") && !svg.contains('\u{1b}'), "{svg}");
    // A quote that is not escaped would end the label.
    for line in picture.dot().lines() {
        let quotes = line.replace("\\\\", "").replace("\\\"", "").matches('"').count();
        assert!(quotes.is_multiple_of(2), "{line}");
    }
}

/// Every element that is opened is closed, in order, and no letter stands where it would have to be escaped.
fn well_formed(svg: &str) {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = svg;
    while let Some((before, after)) = rest.split_once('<') {
        assert!(!before.contains('>') && (before.trim().is_empty() || !open.is_empty()), "{before:?}");
        let entities = ["&amp;", "&lt;", "&gt;", "&quot;"];
        let ampersands = before.match_indices('&');
        assert!(ampersands.into_iter().all(|(at, _)| entities.iter().any(|entity| before[at..].starts_with(entity))));
        let (tag, after) = after.split_once('>').expect("a tag ends");
        assert!(tag.matches('"').count().is_multiple_of(2), "{tag}");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
        } else if !tag.ends_with('/') {
            open.push(tag.split_whitespace().next().unwrap_or_default());
        }
        rest = after;
    }
    assert!(open.is_empty() && rest.trim().is_empty(), "{open:?} {rest:?}");
    for number in svg.split(['"', ' ', ',', 'M', 'Q', 'L']) {
        assert!(number != "NaN" && number != "inf" && number != "-inf", "a place that is none");
    }
}
