//! The coin that gets past the impossibility, and what becomes of it when it is none, or everybody's.
//!
//! Ben-Or's protocol decides with probability 1, whoever schedules. That is a claim about chance, not about fairness:
//! it is judged on the Markov decision process, against every scheduler that sees all that has happened, coins
//! included, and does not see what is still to be thrown. *Violated* means that such a scheduler can keep some process
//! undecided for ever, whatever the coins show.
//!
//! # Sources
//! - M. Ben-Or, "Another Advantage of Free Choice: Completely Asynchronous Agreement Protocols", PODC 1983.
//! - M. K. Aguilera, S. Toueg, "The correctness proof of Ben-Or's randomized consensus algorithm", Distrib. Comput. 25,
//!   2012: with a coin that all share, the scheduler learns it from the first who throws and can keep the others apart.
//! - N. Bertrand, I. Konnov, M. Lazić, J. Widder, "Verification of Randomized Consensus Algorithms Under Round-Rigid
//!   Adversaries", CONCUR 2019.
//!
//! # Abstracted away
//! - Messages are posts on a board: a process goes on with any two of a round, its own among them or not, and what
//!   comes after the second is not looked at.
//! - Nobody is more than so many rounds ahead of the slowest that goes on.

mod conformance;
pub mod model;

use std::sync::Arc;

use counterpart::model::Simulated;
use counterpart::{Case, Check, Spec, conform};

use self::conformance::{BenOrInterface, BenOrSpec, Processes};
use self::model::{BenOr, Coin, Variant};

pub use self::conformance::{ALL_DECIDE_ALMOST_SURELY, Answer, Posted};

/// A check of `model` as it reads and looks from outside.
fn check(model: BenOr) -> Check<BenOr, BenOrInterface> {
    let decides = model.rounds_max.is_none();
    Check::of(model).interface(BenOrInterface).spec(BenOrSpec { decides })
}

/// How the model reads, and what is drawn in it.
pub fn spec() -> impl Spec<Model = BenOr> {
    BenOrSpec { decides: true }
}

/// The cases of this sub-model.
pub(super) fn cases() -> Vec<Case> {
    let asked = |skew_max| BenOr { begins_without_inputs: true, ..BenOr::sound(skew_max) };
    let two_rounds = BenOr { rounds_max: Some(1), ..asked(1) };
    let with = |variant| BenOr { variant, ..BenOr::sound(1) };
    let agreement = "no two processes decide differently";
    let common = "the coin is everybody's: the first who throws it shows the scheduler what the others will see, and it \
                  makes them propose the other bit before they look";
    let chosen = "a coin whose sides the scheduler chooses is one more choice of its own";
    vec![
        Case::new(
            "flp/ben_or",
            check(asked(1)).tour(Processes::default).subject(
                "implementation",
                conform::Walk::new().beside(asked(2)).runs(200).steps(200).of(Processes::default),
            ),
        ),
        Case::new("flp/ben_or_skew_2", check(BenOr::sound(2))),
        Case::new("flp/ben_or_crash", check(BenOr { crashes_max: 1, ..BenOr::sound(1) })),
        Case::new("flp/ben_or_two_rounds", check(two_rounds.clone()).product(Processes::default)),
        Case::new("flp/ben_or_common_coin", check(BenOr { coin: Coin::Common, ..BenOr::sound(1) })),
        Case::new(
            "flp/ben_or_common_coin_skew_2",
            check(BenOr { coin: Coin::Common, ..BenOr::sound(2) })
                .violates(ALL_DECIDE_ALMOST_SURELY)
                .because(ALL_DECIDE_ALMOST_SURELY, common),
        ),
        Case::new(
            "flp/ben_or_coin_is_chosen",
            check(BenOr { coin: Coin::Adversarial, ..BenOr::sound(1) })
                .violates(ALL_DECIDE_ALMOST_SURELY)
                .because(ALL_DECIDE_ALMOST_SURELY, chosen),
        ),
        Case::new("flp/ben_or_decides_on_one_proposal", check(with(Variant::DecidesOnOneProposal)).violates(agreement)),
        Case::new("flp/ben_or_proposes_any_report", check(with(Variant::ProposesAnyReport)).violates(agreement)),
        Case::new("flp/ben_or_decides_its_coin", check(with(Variant::DecidesItsCoin)).violates(agreement)),
        defects(&two_rounds),
    ]
}

/// Each variant run as an implementation.
fn defects(sound: &BenOr) -> Case {
    let mut check = check(sound.clone());
    for variant in [Variant::DecidesOnOneProposal, Variant::ProposesAnyReport, Variant::DecidesItsCoin] {
        let (model, interface) = (Arc::new(BenOr { variant, ..sound.clone() }), Arc::new(BenOrInterface));
        let make = move || Simulated::new(&model, &interface);
        let (toured, walked) = (make.clone(), make.clone());
        let name = crate::snake(variant);
        check = check
            .subject(name.as_str(), conform::Product::new().of(make))
            .subject(name.as_str(), conform::Tour::new().of(toured))
            .subject(name.as_str(), conform::Walk::new().runs(200).steps(60).of(walked))
            .diverges(name);
    }
    Case::new("flp/ben_or_defects", check)
}
