//! hickory's recursor: aliases and what they cost, what it keeps of answers that say too much, and referrals without
//! addresses.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use counterpart::Check;
use counterpart::conform::Tour;
use counterpart_models::dns::heavy::{Asked, HICKORY, ROOT, Recursing, alias, found, no_data, record, referral};
use counterpart_models::dns::poison::heavy::{Added, AddedInterface, Lied, says};
use counterpart_models::dns::poison::model::{CONTENTS, Content, Poison};
use counterpart_models::dns::work::heavy::{Aliases, AliasesInterface, Chasing};
use counterpart_models::dns::work::model::Work;
use hickory_resolver::proto::op::Message;
use hickory_resolver::proto::rr::RecordType;
use hickory_resolver::recursor::RecursorError;
use libtest_mimic::Trial;

use crate::claim;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("dns_heavy::the_recursor_follows_aliases_as_the_model_does", aliases),
        claim("dns_heavy::the_recursor_follows_more_aliases_than_two", many_aliases),
        claim("dns_heavy::the_recursor_runs_a_loop_of_aliases_to_its_depth_limit_in_its_cache", circle),
        claim("dns_heavy::the_recursor_keeps_nothing_that_nobody_has_asked_for", added),
        claim("dns_heavy::the_recursor_does_not_follow_a_referral_that_it_has_not_asked_for", referred),
        claim("dns_heavy::the_recursor_asks_for_five_servers_of_a_referral_at_once", nxns),
    ]
}

/// Aliases without a bound, as many names as there are.
fn unbounded() -> Work {
    Work { aliases_max: 5, questions_max: 200, ..Work::small() }
}

fn chasing(model: Work) -> Check<Aliases, AliasesInterface> {
    let tour = Tour::new().of(Chasing::default);
    Check::of(Aliases(model)).interface(AliasesInterface).named("dns/recursor").alongside_only().subject(HICKORY, tour)
}

fn aliases() {
    let report = chasing(unbounded()).run();
    report.assert();
    let toured = &report.cases[0].conformance[0];
    let (edges, driven) = toured.effort.edges();
    assert!(edges > 50 && driven == edges, "{driven} of {edges}");
}

fn many_aliases() {
    let report = chasing(Work::small()).diverges(HICKORY).because(HICKORY, "its bound is 24").run();
    report.assert();
    let toured = &report.cases[0].conformance[0];
    let why = toured.why.as_deref().unwrap_or_default();
    assert!(why.contains("answers Told { asks: Some(3), resolved: None }"), "{why}");
}

const ZZ: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);

/// The root refers to `zz`, where nothing else begins; `in_zone` says what else there is.
fn of_zone(in_zone: impl Fn(&Asked) -> Option<Message> + Send + Sync + 'static) -> Recursing {
    Recursing::new(move |asked| match asked.kind {
        RecordType::NS if asked.server == ROOT => Some(referral("zz.", &[("ns.zz.".into(), Some(ZZ))])),
        _ => in_zone(asked).or_else(|| Some(no_data("zz."))),
    })
}

fn circle() {
    let mut recursing = of_zone(|asked| {
        let to = if asked.name == "n0.zz." { "n1.zz." } else { "n0.zz." };
        (asked.kind == RecordType::A).then(|| found(vec![record(&asked.name, alias(to))]))
    });
    let told = recursing.ask("n0.zz.", RecordType::A);
    let [Err(RecursorError::RecursionLimitExceeded { count })] = &told[..] else { panic!("{told:?}") };
    assert_eq!(*count, 24, "its limit by default");
    let addresses = recursing.asked().into_iter().filter(|asked| asked.kind == RecordType::A).count();
    assert_eq!(addresses, 2, "each alias is asked for once, and then is in its cache");
    let before = recursing.asked().len();
    assert!(matches!(recursing.ask("n0.zz.", RecordType::A)[..], [Err(_)]));
    assert_eq!(recursing.asked().len(), before, "and the next client costs nothing");
}

fn lied(contents: &[Content], names: u8) -> Check<Added, AddedInterface> {
    let tour = Tour::new().of(Lied::default);
    Check::of(Added(Poison { names, ..Poison::small() }, contents.to_vec()))
        .interface(AddedInterface)
        .named("dns/recursor")
        .alongside_only()
        .subject(HICKORY, tour)
}

/// Those that answer what was asked, and say more; and one that says something else.
const ADDED: [Content; 5] = [
    Content::Plain,
    Content::WithAuthority,
    Content::WithAdditional,
    Content::WithForeignAnswer,
    Content::SiblingReferral,
];

fn added() {
    let report = lied(&ADDED, 1).run();
    report.assert();
    let toured = &report.cases[0].conformance[0];
    let (edges, driven) = toured.effort.edges();
    assert!(edges > 0 && driven == edges, "{driven} of {edges}");
    // What was added is asked for when somebody wants it, of whoever has it to say.
    for content in ADDED {
        let mut lied = Lied::default();
        let recursing = lied.recursing();
        recursing.ask("www.a.zz.", RecordType::A);
        let told = recursing.answer(says(0, content));
        assert_eq!(
            told.iter().filter(|outcome| outcome.is_ok()).count(),
            usize::from(content != Content::SiblingReferral)
        );
        for (name, of) in [("www.b.zz.", 4), ("ns.a.zz.", 3)] {
            assert!(recursing.ask(name, RecordType::A).is_empty(), "{content:?}: {name} is known");
            let held = recursing.held().pop().expect("it is asked for");
            assert_eq!((held.name.as_str(), held.server), (name, Ipv4Addr::new(192, 0, 2, of).into()), "{content:?}");
        }
    }
    let contents: BTreeSet<String> = CONTENTS.iter().map(|content| format!("{content:?}")).collect();
    assert_eq!(contents.len(), ADDED.len() + 2, "the other two are referrals to where nothing begins");
}

/// It looks for where zones begin by questions of its own, and was told that none begins there.
fn referred() {
    for (content, believes) in [(Content::Referral, false), (Content::ReferralWithAnswer, true)] {
        let report = lied(&[content], 1).diverges(HICKORY).because(HICKORY, "it asks for NS by itself").run();
        report.assert();
        let why = report.cases[0].conformance[0].why.clone().unwrap_or_default();
        let said = if believes { "answers Believed" } else { "answers Lame" };
        assert!(why.contains(said) && why.contains("the model allows Referred"), "{why}");
    }
}

/// A referral to ten servers in a zone that has none of them: two questions for each of five, and no more.
fn nxns() {
    let ten = || (0..10).map(|number| (format!("ns{number}.victim.zz."), None)).collect::<Vec<_>>();
    let mut recursing = of_zone(move |asked| match (asked.kind, asked.name.as_str()) {
        (RecordType::NS, "a.zz.") => Some(referral("a.zz.", &ten())),
        _ => None,
    });
    let told = recursing.ask("www.a.zz.", RecordType::A);
    assert!(matches!(told[..], [Err(_)]), "{told:?}");
    let of_victims: Vec<Asked> = recursing
        .asked()
        .into_iter()
        .filter(|asked| asked.name.contains("victim") && asked.kind != RecordType::NS)
        .collect();
    let names: BTreeSet<&str> = of_victims.iter().map(|asked| asked.name.as_str()).collect();
    assert_eq!((names.len(), of_victims.len()), (5, 10), "addresses of both kinds: {of_victims:?}");
}
