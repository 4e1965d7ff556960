//! What is still open in each configuration of an attempt, and who closes it: tables and the picture of the README.

use std::fmt::Write;
use std::marker::PhantomData;
use std::sync::Arc;

use counterpart::explore::{Budget, Graph, explore};
use counterpart::model::{Consensus, Event, Values};
use counterpart::verdict::valency::{Lemma2, Summary, Valencies, Valency};
use counterpart::view::ValencyPicture;

use super::attempts::votes::{Message, Votes};
use super::model::{Action, Attempt, Configuration, System};

/// How a system is read as a consensus protocol.
pub struct AsConsensus<A>(PhantomData<fn() -> A>);

impl<A> Default for AsConsensus<A> {
    fn default() -> Self {
        AsConsensus(PhantomData)
    }
}

impl<A: Attempt> Consensus for AsConsensus<A> {
    type Model = System<A>;
    type Message = Action<A::Message>;

    fn inputs(&self, _: &System<A>, initial: &Configuration<A>) -> Vec<u8> {
        initial.inputs.map(Vec::from).unwrap_or_default()
    }

    fn decided(&self, system: &System<A>, at: &Configuration<A>) -> Values {
        system.decided(at).collect()
    }

    fn event(&self, _: &System<A>, _: &Configuration<A>, action: &Action<A::Message>) -> Event<Action<A::Message>> {
        match action.process() {
            Some(process) => Event::of(process.into(), *action),
            None => Event::environment(*action),
        }
    }
}

/// The attempts that are small enough to be looked at whole, in the README's order.
pub const SMALL: [(&str, Votes); 4] = [
    ("wait for all", Votes::WaitForAll),
    ("two-phase AND", Votes::TwoPhaseAnd),
    ("sequencer", Votes::Sequencer),
    ("first votes", Votes::FirstVotes),
];

/// What valency says of `votes`, from every choice of inputs.
///
/// # Panics
/// If the model cannot be explored.
pub fn summary(votes: Votes) -> Summary {
    let graph = explored(votes);
    Valencies::of(&graph, &AsConsensus::default()).expect("the graph is complete").summary()
}

fn explored(votes: Votes) -> Graph<System<Votes>> {
    explore(Arc::new(System::of(votes)), &Budget::default()).expect("the attempts can be explored")
}

/// What valency says of the small attempts, as a table.
pub fn table() -> String {
    let mut table = String::from(
        "| attempt | configurations | bivalent ones | bivalent inputs | Lemma 2 | critical, and who decides | Lemma 3 fails | \
         disagreements |\n|---|---|---|---|---|---|---|---|\n",
    );
    for (name, votes) in SMALL {
        let summary = summary(votes);
        let total: usize = summary.configurations.values().sum();
        let is_bivalent = |valency: &Valency| matches!(valency, Valency::Bivalent(_));
        let bivalent: usize =
            summary.configurations.iter().filter(|(valency, _)| is_bivalent(valency)).map(|(_, count)| count).sum();
        let inputs: Vec<String> = summary
            .initial
            .iter()
            .filter(|initial| is_bivalent(&initial.valency))
            .map(|initial| initial.inputs_text())
            .collect();
        let lemma_2 = match &summary.lemma_2 {
            Lemma2::Bivalent(_) => "holds".to_string(),
            Lemma2::Adjacent(pair) => {
                let inputs = |node: usize| {
                    let initial = summary.initial.iter().find(|initial| initial.node == node);
                    initial.map(|initial| initial.inputs_text()).unwrap_or_default()
                };
                let (one, other) = pair.nodes;
                let blocks = if summary.pair_blocks == Some(true) { "its stopping blocks" } else { "it may stop" };
                format!("{} and {} differ in p{} alone: {blocks}", inputs(one), inputs(other), pair.process)
            }
            Lemma2::Uniform(valency) => format!("all are {valency}"),
            Lemma2::Apart => "no adjacent pair".to_string(),
        };
        let deciders: Vec<String> = summary
            .deciders
            .iter()
            .map(|(decider, deciding)| match decider {
                Some(process) if deciding.blocking == deciding.critical => format!("p{process}, whose stopping blocks"),
                Some(process) => format!("p{process}, whose stopping blocks in {}", deciding.blocking),
                None => "several".into(),
            })
            .collect();
        let critical = match summary.critical {
            0 => "0".to_string(),
            count => format!("{count}: {}", deciders.join("; ")),
        };
        let inputs = if inputs.is_empty() { "none".to_string() } else { inputs.join(", ") };
        let _ = writeln!(
            table,
            "| {name} | {total} | {bivalent} | {inputs} | {lemma_2} | {critical} | {} of {} | {} |",
            summary.lemma_3.failures, summary.lemma_3.pairs, summary.disagreements
        );
    }
    table
}

/// The sequencer from inputs 001, coloured by valency: as Graphviz has it, and drawn.
///
/// # Panics
/// If the model cannot be explored.
pub fn picture() -> (String, String) {
    let system = System { inputs: Some([0, 0, 1]), ..System::of(Votes::Sequencer) };
    let graph = explore(Arc::new(system), &Budget::default()).expect("the sequencer can be explored");
    let valencies = Valencies::of(&graph, &AsConsensus::default()).expect("the graph is complete");
    let picture = ValencyPicture::of(&valencies)
        .title("sequencer, inputs 001: what is still open, and who closes it")
        .reached_from(0)
        .events(&graph, &AsConsensus::default(), |event| match event.message {
            Action::Step { process } => format!("p{process} votes"),
            Action::Receive { process, message: Message::Vote { from, .. } } => {
                format!("p{process} gets p{from}'s vote")
            }
            Action::Receive { process, message: Message::Decision { value } } => format!("p{process} learns {value}"),
            other => format!("{other:?}"),
        });
    (picture.dot(), picture.svg())
}
