//! Whatever is sent to a process, it panics at nothing, keeps what it has decided, and is as it was after a refusal.

use std::fmt::Debug;

use counterpart_models::flp::implementation::ben_or::{self, BenOr};
use counterpart_models::flp::implementation::chandra_toueg::{self, ChandraToueg};
use counterpart_models::flp::implementation::paxos::{self, Ballot, Paxos};
use counterpart_models::flp::implementation::rotating_coordinator::{self, RotatingCoordinator};
use counterpart_models::flp::implementation::votes::{self, Rule, Voter};
use counterpart_models::flp::implementation::{
    Event, Group, GroupError, PROCESSES_MAX, Process, ROUNDS_AHEAD_MAX, Refused,
};
use libtest_mimic::Trial;
use proptest::prelude::*;

use crate::claim;
use crate::drawn::{drawn, for_all, number};

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("flp::no_event_makes_a_process_panic_or_change_its_decision", any_event),
        claim("flp::what_a_correct_process_would_not_send_is_refused", refused),
        claim("flp::a_process_without_coordinator_and_coin_awaits_neither", waits_for_nobody),
        claim("flp::votes_are_counted_in_groups_of_any_size", counted),
        claim("flp::a_vote_that_comes_twice_or_late_changes_nothing", twice_and_late),
        claim("flp::what_comes_after_its_round_or_a_decision_changes_nothing", passed_over),
        claim("flp::an_estimate_that_comes_early_is_kept_for_its_round", early_estimate),
        claim("flp::who_tosses_keeps_what_is_early_and_passes_over_what_is_late", tosser),
        claim("flp::who_comes_back_without_a_promise_that_it_sent_breaks_agreement", lost_promise),
        claim("flp::a_group_is_neither_empty_nor_without_end", groups),
    ]
}

fn events<M: Debug + Clone + 'static>(message: impl Strategy<Value = M> + 'static) -> BoxedStrategy<Vec<Event<M>>> {
    let process = || prop_oneof![8 => 0..3_usize, 1 => Just(3), 1 => number(0..3_usize)];
    let event = prop_oneof![
        2 => Just(Event::Nothing),
        12 => drawn!(Event::Message { from: process(), message: message }),
        2 => drawn!(Event::Suspicion { of: process() }),
        2 => any::<bool>().prop_map(Event::Coin),
    ];
    proptest::collection::vec(event, 0..40).boxed()
}

fn round() -> BoxedStrategy<u64> {
    prop_oneof![12 => 0..4_u64, 1 => Just(ROUNDS_AHEAD_MAX + 1), 1 => number(0..4_u64)].boxed()
}

fn value() -> BoxedStrategy<u64> {
    prop_oneof![8 => 0..2_u64, 1 => number(0..2_u64)].boxed()
}

fn ballot() -> BoxedStrategy<Ballot> {
    let proposer = prop_oneof![8 => 0..3_usize, 1 => number(0..3_usize)];
    drawn!(Ballot { round: round(), proposer: proposer }).boxed()
}

/// Drives `process` through every list of events that is drawn.
fn survives<P: Process + PartialEq + 'static>(process: &P, events: BoxedStrategy<Vec<Event<P::Message>>>)
where
    P::Message: 'static,
{
    for_all(events, |events| {
        let mut at = process.clone();
        for event in &events {
            let Ok((after, sent)) = at.step(event) else { continue };
            assert!(sent.iter().all(|sent| sent.to < 3), "{process:?} has sent to nobody: {sent:?}");
            if let Some(decided) = at.decision() {
                assert_eq!(after.decision(), Some(decided), "{process:?}");
            }
            at = after;
        }
    });
}

fn any_event() {
    let group = Group::of(3).expect("a group");
    let vote =
        prop_oneof![any::<bool>().prop_map(votes::Message::Vote), any::<bool>().prop_map(votes::Message::Decision)];
    for rule in [Rule::WaitForAll, Rule::And, Rule::Sequencer, Rule::FirstVotes] {
        for id in group.members() {
            survives(&Voter::new(group, id, rule, true).expect("a member"), events(vote.clone()));
        }
    }
    let rotating = prop_oneof![
        drawn!(rotating_coordinator::Message::Estimate { round: round(), value: value() }),
        drawn!(rotating_coordinator::Message::Vote { round: round(), value: proptest::option::of(value()) }),
        value().prop_map(rotating_coordinator::Message::Decision),
    ];
    let stamped = prop_oneof![
        drawn!(chandra_toueg::Message::Estimate { round: round(), estimate: (proptest::option::of(round()), value()) }),
        drawn!(chandra_toueg::Message::Proposal { round: round(), value: value() }),
        drawn!(chandra_toueg::Message::Reply { round: round(), acknowledges: any::<bool>() }),
        value().prop_map(chandra_toueg::Message::Decision),
    ];
    let ballots = prop_oneof![
        ballot().prop_map(paxos::Message::Prepare),
        drawn!(paxos::Message::Promise { ballot: ballot(), accepted: proptest::option::of((ballot(), value())) }),
        drawn!(paxos::Message::Accept { ballot: ballot(), value: value() }),
        ballot().prop_map(paxos::Message::Accepted),
    ];
    let coins = prop_oneof![
        drawn!(ben_or::Message::Report { round: round(), bit: any::<bool>() }),
        drawn!(ben_or::Message::Proposal { round: round(), bit: proptest::option::of(any::<bool>()) }),
    ];
    for id in group.members() {
        survives(&RotatingCoordinator::new(group, id, 1).expect("a member"), events(rotating.clone()));
        survives(&ChandraToueg::new(group, id, 1).expect("a member"), events(stamped.clone()));
        survives(&Paxos::new(group, id, Some(1)).expect("a member"), events(ballots.clone()));
        survives(&BenOr::new(group, id, true).expect("a member"), events(coins.clone()));
    }
}

#[track_caller]
fn refuses<P: Process>(process: &P, from: usize, message: P::Message, why: Refused) {
    let refusal = process.step(&Event::Message { from, message }).expect_err("this cannot be");
    assert_eq!(refusal, why);
}

fn refused() {
    let group = Group::of(3).expect("a group");
    let stranger = Refused::Stranger(GroupError::NoMember { process: 3, count: 3 });
    let voter = |id, rule| Voter::new(group, id, rule, true).expect("a member");
    refuses(&voter(0, Rule::WaitForAll), 3, votes::Message::Vote(true), stranger);
    refuses(&voter(0, Rule::WaitForAll), 1, votes::Message::Decision(true), Refused::OutOfPlace { from: 1 });
    refuses(&voter(1, Rule::Sequencer), 2, votes::Message::Vote(true), Refused::OutOfPlace { from: 2 });
    refuses(&voter(1, Rule::Sequencer), 2, votes::Message::Decision(true), Refused::OutOfPlace { from: 2 });
    refuses(&voter(0, Rule::WaitForAll), 0, votes::Message::Vote(true), Refused::OutOfPlace { from: 0 });
    let vote = Event::Message { from: 1, message: votes::Message::Vote(true) };
    let (heard, _) = voter(0, Rule::WaitForAll).step(&vote).expect("a vote");
    refuses(&heard, 1, votes::Message::Vote(false), Refused::Contradicts { from: 1 });

    let rotating = RotatingCoordinator::new(group, 0, 1).expect("a member");
    let estimate = |round| rotating_coordinator::Message::Estimate { round, value: 1 };
    refuses(&rotating, 1, estimate(2), Refused::OutOfPlace { from: 1 });
    let far = ROUNDS_AHEAD_MAX / 3 * 3 + 4;
    refuses(&rotating, 1, estimate(far), Refused::FarAhead { round: far });
    refuses(&rotating, 3, estimate(3), stranger);

    let stamped = ChandraToueg::new(group, 0, 1).expect("a member");
    let early = chandra_toueg::Message::Estimate { round: 0, estimate: (Some(0), 1) };
    refuses(&stamped, 1, early, Refused::OutOfPlace { from: 1 });
    let reply = chandra_toueg::Message::Reply { round: 1, acknowledges: true };
    refuses(&stamped, 1, reply, Refused::OutOfPlace { from: 1 });
    let proposal = chandra_toueg::Message::Proposal { round: 1, value: 1 };
    refuses(&stamped, 2, proposal, Refused::OutOfPlace { from: 2 });

    let acceptor = Paxos::new(group, 0, None).expect("a member");
    let ballot = |proposer| Ballot { round: 0, proposer };
    refuses(&acceptor, 1, paxos::Message::Prepare(ballot(2)), Refused::OutOfPlace { from: 1 });
    refuses(&acceptor, 1, paxos::Message::Prepare(ballot(3)), stranger);
    refuses(&acceptor, 1, paxos::Message::Accepted(ballot(0)), Refused::OutOfPlace { from: 1 });
    let accept = |value| paxos::Message::Accept { ballot: ballot(1), value };
    let (accepted, _) = acceptor.step(&Event::Message { from: 1, message: accept(1) }).expect("a value");
    refuses(&accepted, 1, accept(0), Refused::Contradicts { from: 1 });

    let preparing = after(&Paxos::new(group, 1, Some(1)).expect("a member"), Event::Nothing);
    let promise = |before| paxos::Message::Promise { ballot: ballot(1), accepted: Some((before, 0)) };
    refuses(&preparing, 2, promise(ballot(1)), Refused::OutOfPlace { from: 2 });
    refuses(&preparing, 2, promise(ballot(2)), Refused::OutOfPlace { from: 2 });
    refuses(&preparing, 2, paxos::Message::Accepted(ballot(1)), Refused::OutOfPlace { from: 2 });
    let heard = after(&preparing, Event::Message { from: 2, message: promise(ballot(0)) });
    let other = paxos::Message::Promise { ballot: ballot(1), accepted: None };
    refuses(&heard, 2, other, Refused::Contradicts { from: 2 });

    let tossing = BenOr::new(group, 0, true).expect("a member");
    let report = |bit| ben_or::Message::Report { round: 0, bit };
    let (heard, _) = tossing.step(&Event::Message { from: 1, message: report(true) }).expect("a report");
    refuses(&heard, 1, report(false), Refused::Contradicts { from: 1 });
    let far = ROUNDS_AHEAD_MAX + 1;
    refuses(&tossing, 1, ben_or::Message::Report { round: far, bit: true }, Refused::FarAhead { round: far });
    let farthest = ben_or::Message::Report { round: ROUNDS_AHEAD_MAX, bit: true };
    assert!(tossing.step(&Event::Message { from: 1, message: farthest }).is_ok());
}

fn after<P: Process>(process: &P, event: Event<P::Message>) -> P {
    process.step(&event).expect("an event").0
}

#[track_caller]
fn passes_over<P: Process + PartialEq>(process: &P, from: usize, message: P::Message) {
    ignores(process, Event::Message { from, message });
}

#[track_caller]
fn ignores<P: Process + PartialEq>(process: &P, event: Event<P::Message>) {
    let (after, sent) = process.step(&event).expect("an event");
    assert!(after == *process && sent.is_empty(), "{after:?}");
}

/// Who has nobody to wait for and tosses nothing says so: it is told of no suspicion and given no coin.
fn waits_for_nobody() {
    let group = Group::of(3).expect("a group");
    let voter = Voter::new(group, 0, Rule::WaitForAll, true).expect("a member");
    let acceptor = Paxos::new(group, 1, Some(1)).expect("a member");
    assert_eq!((voter.awaited(), voter.wants_coin()), (None, false));
    assert_eq!((acceptor.awaited(), acceptor.wants_coin()), (None, false));
}

fn vote<P: Process<Message = votes::Message>>(process: &P, from: usize, vote: bool) -> P {
    after(process, Event::Message { from, message: votes::Message::Vote(vote) })
}

/// What process 0 decides when it has voted the first of `bits` and hears the others.
fn decides(rule: Rule, bits: &[bool]) -> Option<bool> {
    let group = Group::of(bits.len()).expect("a group");
    let begun = Voter::new(group, 0, rule, bits[0]).expect("a member").step(&Event::Nothing).expect("a step").0;
    (1..bits.len()).fold(begun, |process, from| vote(&process, from, bits[from])).decision().copied()
}

fn counted() {
    for count in 1..=6_usize {
        for bits in 0..1_u32 << count {
            let bits: Vec<bool> = (0..count).map(|process| bits >> process & 1 == 1).collect();
            if count > 1 {
                let ones = bits.iter().filter(|bit| **bit).count();
                assert_eq!(decides(Rule::WaitForAll, &bits), Some(ones > count - ones), "{bits:?}");
                assert_eq!(decides(Rule::And, &bits), Some(ones == count), "{bits:?}");
                assert_eq!(decides(Rule::Sequencer, &bits), Some(bits[1]), "the first vote decides: {bits:?}");
                // All but the last, which comes too late.
                let first = bits[..count - 1].iter().filter(|bit| **bit).count();
                assert_eq!(decides(Rule::FirstVotes, &bits), Some(first > count - 1 - first), "{bits:?}");
            }
        }
    }
}

fn twice_and_late() {
    let group = Group::of(3).expect("a group");
    let voter = Voter::new(group, 0, Rule::WaitForAll, true).expect("a member");
    let heard = vote(&voter, 1, true);
    assert!(vote(&heard, 1, true) == heard);
    let decided = vote(&Voter::new(group, 0, Rule::FirstVotes, true).expect("a member"), 1, true);
    assert_eq!(decided.decision(), Some(&true));
    assert!(vote(&decided, 1, false) == decided, "it has decided, and hears no more");
}

fn passed_over() {
    let group = Group::of(3).expect("a group");

    let begun = after(&RotatingCoordinator::new(group, 1, 1).expect("a member"), Event::Nothing);
    let vote = |round| rotating_coordinator::Message::Vote { round, value: None };
    let of_next_round = after(&after(&begun, Event::Suspicion { of: 0 }), Event::Message { from: 2, message: vote(0) });
    passes_over(&of_next_round, 0, vote(0));
    passes_over(&of_next_round, 0, rotating_coordinator::Message::Estimate { round: 0, value: 1 });
    let decided = after(&begun, Event::Message { from: 0, message: rotating_coordinator::Message::Decision(1) });
    passes_over(&decided, 2, vote(1));
    passes_over(&decided, 2, rotating_coordinator::Message::Decision(1));
    refuses(&decided, 2, rotating_coordinator::Message::Decision(0), Refused::Contradicts { from: 2 });

    let begun = after(&ChandraToueg::new(group, 1, 1).expect("a member"), Event::Nothing);
    let of_next_round = after(&begun, Event::Suspicion { of: 0 });
    passes_over(&of_next_round, 0, chandra_toueg::Message::Proposal { round: 0, value: 1 });
    let decided = after(&of_next_round, Event::Message { from: 0, message: chandra_toueg::Message::Decision(1) });
    passes_over(&decided, 2, chandra_toueg::Message::Reply { round: 1, acknowledges: true });
    passes_over(&decided, 2, chandra_toueg::Message::Decision(1));
    refuses(&decided, 2, chandra_toueg::Message::Decision(0), Refused::Contradicts { from: 2 });
}

/// Of three processes two are waited for, and two proposals for a bit decide it.
fn tosser() {
    let group = Group::of(3).expect("a group");
    let hears = |process: &BenOr, from, message| after(process, Event::Message { from, message });
    let report = |round, bit| ben_or::Message::Report { round, bit };
    let proposal = |round, bit| ben_or::Message::Proposal { round, bit };

    let begun = after(&BenOr::new(group, 1, true).expect("a member"), Event::Nothing);
    ignores(&begun, Event::Nothing);
    ignores(&begun, Event::Coin(true));
    ignores(&begun, Event::Suspicion { of: 0 });
    let has_proposed = hears(&hears(&begun, 0, report(0, false)), 1, report(0, true));
    passes_over(&has_proposed, 2, report(0, true));
    passes_over(&has_proposed, 0, report(0, false));
    refuses(&has_proposed, 0, report(0, true), Refused::Contradicts { from: 0 });

    // What is of the next round is kept for it, whatever this one has come to.
    let early = hears(&hears(&has_proposed, 0, report(1, true)), 0, proposal(0, None));
    let tosses = hears(&early, 1, proposal(0, None));
    assert!(tosses.wants_coin() && !early.wants_coin());
    passes_over(&tosses, 2, report(0, true));
    passes_over(&tosses, 2, proposal(0, Some(true)));
    let earlier = hears(&hears(&tosses, 2, report(1, true)), 0, proposal(1, Some(true)));
    let (of_next_round, sent) = earlier.step(&Event::Coin(false)).expect("a coin");
    let messages: Vec<ben_or::Message> = sent.into_iter().map(|sent| sent.message).collect();
    assert_eq!(messages, [[report(1, false); 3], [proposal(1, Some(true)); 3]].concat());
    passes_over(&of_next_round, 2, report(0, true));
    passes_over(&of_next_round, 2, proposal(0, None));
    assert_eq!(of_next_round.decision(), None);
    assert_eq!(hears(&of_next_round, 2, proposal(1, None)).decision(), None, "one proposal decides nothing");
    assert_eq!(hears(&of_next_round, 2, proposal(1, Some(true))).decision(), Some(&true));
}

fn early_estimate() {
    let group = Group::of(3).expect("a group");
    let estimate = |round, value| rotating_coordinator::Message::Estimate { round, value };
    let begun = after(&RotatingCoordinator::new(group, 2, 1).expect("a member"), Event::Nothing);
    let has_voted = after(&begun, Event::Message { from: 0, message: estimate(0, 1) });
    passes_over(&has_voted, 0, estimate(0, 1));
    let early = after(&has_voted, Event::Message { from: 1, message: estimate(1, 0) });
    let suspected = rotating_coordinator::Message::Vote { round: 0, value: None };
    let (_, sent) = early.step(&Event::Message { from: 1, message: suspected }).expect("a vote");
    let vote = rotating_coordinator::Message::Vote { round: 1, value: Some(0) };
    assert!(sent.iter().all(|sent| sent.message == vote) && sent.len() == 2, "{sent:?}");
}

fn groups() {
    assert_eq!(Group::of(0), Err(GroupError::Empty));
    assert_eq!(Group::of(PROCESSES_MAX + 1), Err(GroupError::TooMany { count: PROCESSES_MAX + 1 }));
    for (count, majority, quorum, stopping_max) in
        [(1, 1, 1, 0), (2, 2, 2, 0), (3, 2, 2, 1), (4, 3, 3, 1), (5, 3, 3, 2)]
    {
        let group = Group::of(count).expect("a group");
        assert_eq!((group.majority(), group.quorum(), group.stopping_max()), (majority, quorum, stopping_max));
    }
    let group = Group::of(2).expect("a group");
    let strange = Voter::new(group, 2, Rule::WaitForAll, true);
    assert_eq!(strange.expect_err("no member"), GroupError::NoMember { process: 2, count: 2 });
}

/// Two proposers and one that only accepts, which stops once it has promised to both and comes back.
fn lost_promise() {
    let group = Group::of(3).expect("a group");
    for keeps in [true, false] {
        let of = |id, proposal| Paxos::new(group, id, proposal).expect("a member");
        let mut all = [of(0, Some(0)), of(1, Some(1)), of(2, None)];
        let acceptor = all[2].clone();
        let mut log = Vec::new();
        let mut deliver = |all: &mut [Paxos; 3], from: usize, to: usize, message: paxos::Message| {
            let event = Event::Message { from, message };
            if to == 2 {
                log.push(event.clone());
            }
            let (after, sent) = all[to].step(&event).expect("what a correct process sends");
            all[to] = after;
            sent
        };
        let mut asked = Vec::new();
        for proposer in [0, 1] {
            let (after, prepares) = all[proposer].step(&Event::Nothing).expect("a step");
            all[proposer] = after;
            let before = all[2].clone();
            for to in [proposer, 2] {
                let promises = deliver(&mut all, proposer, to, prepares[to].message);
                asked.push(deliver(&mut all, to, proposer, promises[0].message));
            }
            if proposer == 1 && !keeps {
                // What it had on disk when it sent its second promise was its first.
                all[2] = before;
            }
        }
        let accepts: Vec<_> = asked.into_iter().filter(|sent| !sent.is_empty()).collect();
        for (proposer, accepts) in accepts.into_iter().enumerate() {
            for to in [proposer, 2] {
                for accepted in deliver(&mut all, proposer, to, accepts[to].message) {
                    deliver(&mut all, to, proposer, accepted.message);
                }
            }
        }
        let first = if keeps { None } else { Some(&0) };
        assert_eq!((all[0].decision(), all[1].decision()), (first, Some(&1)), "{keeps}");
        if keeps {
            let again = log.iter().fold(acceptor, |process, event| after(&process, event.clone()));
            assert!(again == all[2], "a log of what it was given is what it is");
        }
    }
}
