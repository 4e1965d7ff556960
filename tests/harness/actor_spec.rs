//! stateright's actor systems under what is fair to ask of a network: what holds, what does not, and how it reads.

use std::borrow::Cow;

use counterpart::check::Options;
use counterpart::model::{ActorSpec, DELIVERS, DELIVERS_AT_LAST};
use counterpart::report::CaseReport;
use counterpart::{Case, Check, Temporal, view};
use libtest_mimic::Trial;
use stateright::Expectation;
use stateright::actor::{Actor, ActorModel, Id, LossyNetwork, Network, Out, model_timeout};

use crate::claim;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        claim("actor_spec::a_message_that_is_delivered_again_and_again_keeps_no_other_back", again_and_again),
        claim("actor_spec::who_sends_again_is_heard_at_last_and_who_sends_once_may_be_lost", lossy),
        claim("actor_spec::what_has_crashed_need_not_recover", crashed),
        claim("actor_spec::a_state_reads_by_actor_and_a_step_stands_with_whoever_takes_it", reads),
    ]
}

/// Actor 0 says something to actor 1, once, or again whenever its timer fires, and a chatterer is never done.
#[derive(Clone)]
enum Party {
    Says {
        again: bool,
    },
    Hears,
    /// Sends to itself, for ever.
    Chatters,
}

impl Actor for Party {
    type Msg = &'static str;
    type State = bool;
    type Timer = ();
    type Random = ();
    type Storage = ();

    fn on_start(&self, id: Id, _: &Option<()>, out: &mut Out<Self>) -> bool {
        match self {
            Party::Says { again } => {
                out.send(Id::from(1), "hello");
                if *again {
                    out.set_timer((), model_timeout());
                }
            }
            Party::Hears => {}
            Party::Chatters => out.send(id, "chatter"),
        }
        false
    }

    fn on_msg(&self, id: Id, flag: &mut Cow<'_, bool>, _: Id, msg: &'static str, out: &mut Out<Self>) {
        match self {
            Party::Says { .. } => {}
            Party::Hears if !**flag => *flag.to_mut() = true,
            Party::Hears => {}
            Party::Chatters => {
                *flag.to_mut() = !**flag;
                out.send(id, msg);
            }
        }
    }

    fn on_timeout(&self, _: Id, _: &mut Cow<'_, bool>, (): &(), out: &mut Out<Self>) {
        out.send(Id::from(1), "hello");
        out.set_timer((), model_timeout());
    }
}

type Parties = ActorModel<Party>;

const HEARD: &str = "it is heard";

fn parties(again: bool, chatter: bool) -> Parties {
    ActorModel::new((), ())
        .actors([Party::Says { again }, Party::Hears])
        .actors(chatter.then_some(Party::Chatters))
        .init_network(Network::new_unordered_nonduplicating([]))
        .property(Expectation::Eventually, HEARD, |_, state| *state.actor_states[1])
        .within_boundary(|_, state| state.network.len() < 4)
}

fn run(model: Parties, spec: ActorSpec<Parties>) -> CaseReport {
    Case::new("toy/parties", Check::of(model).spec(spec)).run(&Options::default()).0
}

fn verdict(model: Parties, spec: ActorSpec<Parties>) -> String {
    let report = run(model, spec);
    assert!(report.errors.is_empty(), "{:?}", report.errors);
    report.properties[0].verdict.to_string()
}

fn again_and_again() {
    for network in
        [Network::new_unordered_duplicating([]), Network::new_unordered_nonduplicating([]), Network::new_ordered([])]
    {
        let model = || parties(false, true).init_network(network.clone());
        assert_eq!(verdict(model(), ActorSpec::new()), "holds", "{network:?}");
        assert_eq!(verdict(model(), ActorSpec::new().own_under(None)), "violated", "{network:?}");
    }
}

fn lossy() {
    let model = |again| {
        let network = Network::new_unordered_duplicating([]);
        parties(again, false).init_network(network).lossy_network(LossyNetwork::Yes)
    };
    // It is lost.
    assert_eq!(verdict(model(false), ActorSpec::new()), "violated");
    assert_eq!(verdict(model(false), ActorSpec::new().own_under(Some(DELIVERS_AT_LAST))), "violated");
    // Said again and again it is heard, unless each time it is lost before it can be said that it stays.
    assert_eq!(verdict(model(true), ActorSpec::new().own_under(Some(DELIVERS_AT_LAST))), "holds");
    assert_eq!(verdict(model(true), ActorSpec::new().own_under(Some(DELIVERS))), "violated");
}

fn crashed() {
    // The one who would hear may crash, and for good.
    let model = || parties(false, false).init_network(Network::new_unordered_duplicating([])).max_crashes(1);
    assert_eq!(verdict(model(), ActorSpec::new()), "violated");
    let heard_or_crashed = || {
        Temporal::eventually(
            "heard, or one has crashed",
            |_: &Parties, state: &<Parties as stateright::Model>::State| {
                *state.actor_states[1] || state.crashed.contains(&true)
            },
        )
    };
    let spec = ActorSpec::new().promising(move || vec![heard_or_crashed().under(DELIVERS)]);
    let report = run(model(), spec);
    assert_eq!(report.properties[1].verdict.to_string(), "holds");
}

fn reads() {
    let case = Case::new("toy/parties", Check::of(parties(false, true)).spec(ActorSpec::new().own_under(None)));
    let report = case.run(&Options::default()).0;
    let trace = report.counterexamples().next().expect("it is violated").1;
    let first = &trace.steps[0].state;
    assert_eq!(first["actor 1"], serde_json::json!({"state": false}));
    assert_eq!(first["network"], serde_json::json!(["0 → 1 \"hello\"", "2 → 2 \"chatter\""]));
    assert_eq!(trace.steps[1].actor, "actor 2");
    assert_eq!(trace.steps[1].action, "Id(2) → \"chatter\" → Id(2)");
    let text = view::trace(trace);
    assert_eq!(text.matches("hello").count(), 1, "what stays under way is told once: {text}");
    let picture = case.look(trace).picture.expect("actors are drawn by their own model");
    let messages = picture.matches("class='svg-event-line'").count();
    assert_eq!(messages, trace.steps.iter().filter(|step| step.action.contains(" → ")).count(), "{picture}");
    let told = view::case(&report);
    assert!(!told.contains("Debug"), "{told}");
}
