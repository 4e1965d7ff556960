//! The cases of this protocol.

use std::sync::Arc;

use counterpart::conform::Walk;
use counterpart::explore::{Budget, explore};
use counterpart::{Case, Check};

use super::bindings::Bound;
use super::conformance::{ExchangeInterface, ExchangeSpec};
use super::model::{Action, Answer, Exchange, Stamps, State};
use super::properties::{HALF, SERVERS_ONLY, SYNCHRONISED};
use super::{check, defects, discipline, leap, query, select, sources};
use crate::{Generated, Protocol};

/// What the catalogue has of this protocol.
pub const PROTOCOL: Protocol = Protocol { name: "ntp", cases, generated, pictures: &[] };

fn generated() -> Vec<Generated> {
    vec![
        Generated::part("diagram", format!("```mermaid\n{}```\n", diagram())),
        Generated { file: "select/README.md", part: Some("selection"), text: select::table() },
    ]
}

/// The client, read off the explored model.
fn diagram() -> String {
    let model = kisses();
    let graph = explore(Arc::new(model), &Budget::default()).expect("the sound model can be explored");
    let name = |state: &State| match &state.client {
        client if client.denied => "Denied".to_string(),
        client if client.asked.is_some() => "Waiting".to_string(),
        _ => "Idle".to_string(),
    };
    counterpart::view::state_diagram(&graph, name, |action| match action {
        Action::Poll { .. } => "poll".into(),
        Action::Deliver { .. } => "answer".into(),
        Action::Forge { .. } | Action::Reflect => "forged packet".into(),
        Action::Tick => "tick".into(),
        Action::Reply { .. } | Action::Lose { .. } | Action::Double { .. } | Action::Slip => "network".into(),
    })
}

/// The cases of this protocol.
fn cases() -> Vec<Case> {
    let mut cases = sound();
    cases.extend(told_plainly());
    cases.extend(defects::as_models());
    cases.extend(defects::as_implementations());
    cases.extend(select::cases());
    cases.extend(sources::cases());
    cases.extend(query::cases());
    cases.extend(leap::cases());
    cases.extend(discipline::cases());
    cases
}

/// A check that also asks that the client is synchronised.
pub(super) fn lively(model: Exchange) -> Check<Exchange, ExchangeInterface> {
    check(model).spec(ExchangeSpec { synchronises: true })
}

/// A check with our own client and server in every sequential mode.
fn with_ours(check: Check<Exchange, ExchangeInterface>, model: &Exchange) -> Check<Exchange, ExchangeInterface> {
    check.sequential(larger(model), Walk::new().runs(100).steps(300), Bound::new, Bound::new)
}

/// A check with our own client and server, without a tour: too many suffixes would be needed to tell all its states
/// apart.
fn explored_with_ours(model: Exchange) -> Check<Exchange, ExchangeInterface> {
    let (core, walked) = (model.clone(), larger(&model));
    let there = walked.clone();
    let walk = Walk::new().runs(100).steps(300).beside(walked).of(move || Bound::new(&there));
    check(model).product(move || Bound::new(&core)).subject("implementation", walk)
}

/// A model beyond what can be explored.
fn larger(model: &Exchange) -> Exchange {
    Exchange {
        delay_max: 2,
        hold_max: 2,
        poll_min: 0,
        poll_max: 4,
        losses_max: 20,
        doubles_max: 20,
        forgeries_max: 20,
        ..model.clone()
    }
}

/// A model without an attacker, whose network loses a packet and doubles one.
pub(super) fn plain() -> Exchange {
    Exchange { forgeries_max: 0, ..Exchange::small() }
}

/// A model of a network that is kind, and of an attacker.
pub(super) fn forged() -> Exchange {
    Exchange { losses_max: 0, doubles_max: 0, forgeries_max: 2, ..Exchange::small() }
}

/// A model whose server limits how often it is asked, and asks to be left alone.
pub(super) fn kisses() -> Exchange {
    Exchange {
        answers: vec![Answer::Time, Answer::Rate, Answer::Deny],
        hold_max: 0,
        poll_min: 0,
        forgeries_max: 1,
        ..forged()
    }
}

/// A model whose server says that it has no time, in every way there is.
pub(super) fn timeless() -> Exchange {
    Exchange {
        answers: vec![Answer::Time, Answer::Unsynchronised, Answer::TooDeep, Answer::NoTime, Answer::Stepped],
        forgeries_max: 0,
        ..forged()
    }
}

/// A model of interleaved answers over a network that is kind.
pub(super) fn interleaved() -> Exchange {
    Exchange { interleaved: true, forgeries_max: 0, hold_max: 0, ..forged() }
}

/// A model of interleaved answers, and two questions that arrive in one tick.
pub(super) fn twins() -> Exchange {
    Exchange { delay_max: 0, hold_max: 1, doubles_max: 1, ..interleaved() }
}

fn case(name: &str, check: Check<Exchange, ExchangeInterface>) -> Case {
    Case::new(format!("ntp/{name}"), check)
}

fn sound() -> Vec<Case> {
    let lossy = Exchange { losses_max: 1, hold_max: 1, ..interleaved() };
    let toured = Exchange { delay_max: 0, hold_max: 1, ..interleaved() };
    let large = Exchange { delay_max: 2, poll_min: 1, losses_max: 2, forgeries_max: 2, ..Exchange::small() };
    vec![
        case("exchange", with_ours(lively(plain()), &plain())),
        case("exchange_forged", with_ours(lively(forged()), &forged())),
        case("exchange_kisses", with_ours(check(kisses()), &kisses())),
        case("exchange_without_time", with_ours(check(timeless()), &timeless())),
        case("exchange_interleaved", explored_with_ours(interleaved())),
        case("exchange_interleaved_twins", explored_with_ours(twins())),
        case("exchange_interleaved_toured", with_ours(check(toured.clone()), &toured)),
        case("exchange_interleaved_lossy", check(lossy)).large(),
        case("exchange_large", check(large)).large(),
    ]
}

/// Cases of what goes wrong although everybody does as they should.
fn told_plainly() -> Vec<Case> {
    let drift = Exchange { losses_max: 0, doubles_max: 0, slips_max: 1, ..plain() };
    let hasty =
        Exchange { delay_max: 2, hold_max: 0, poll_min: 0, poll_max: 0, losses_max: 0, doubles_max: 0, ..plain() };
    let denied = Exchange { answers: vec![Answer::Deny], ..forged() };
    let rated = Exchange { answers: vec![Answer::Time, Answer::Rate], ..kisses() };
    vec![
        case(
            "exchange_predictable",
            check(Exchange { stamps: Stamps::Predictable, ..forged() }).violates(SERVERS_ONLY).because(
                SERVERS_ONLY,
                "the transmit stamp is the time, and the time of a question is no secret: whoever knows when the client \
                 asks can answer in the server's name",
            ),
        ),
        case("exchange_drift", with_ours(lively(drift.clone()).violates(HALF), &drift).because(
            HALF,
            "the client's clock missed a tick between question and answer: the bound holds for clocks that run alike, and \
             needs a term for those that do not",
        )),
        case(
            "exchange_hasty",
            lively(hasty).violates(SYNCHRONISED).because(
                SYNCHRONISED,
                "it asks again before an answer can be back, and takes none but the answer to its last question",
            ),
        ),
        case(
            "exchange_denied",
            lively(denied).violates(SYNCHRONISED).because(
                SYNCHRONISED,
                "the server has said DENY, and the client asks no more",
            ),
        ),
        case("exchange_rated", with_ours(check(rated.clone()), &rated)),
    ]
}
