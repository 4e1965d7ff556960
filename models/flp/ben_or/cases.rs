//! The cases of this sub-model.

use counterpart::Case;
use counterpart::conform::Walk;

use super::bindings::Processes;
use super::model::{BenOr, Coin};
use super::properties::ALL_DECIDE_ALMOST_SURELY;
use super::{check, defects};

/// The cases of this sub-model.
pub fn cases() -> Vec<Case> {
    let asked = |skew_max| BenOr { begins_without_inputs: true, ..BenOr::sound(skew_max) };
    let two_rounds = BenOr { rounds_max: Some(1), ..asked(1) };
    let common = "the coin is everybody's: the first who throws it shows the scheduler what the others will see, and it \
                  makes them propose the other bit before they look";
    let chosen = "a coin whose sides the scheduler chooses is one more choice of its own";
    let mut cases = vec![
        Case::new(
            "flp/ben_or",
            check(asked(1)).driven(asked(2), Walk::new().runs(200).steps(200), |_| Processes::default()),
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
    ];
    cases.extend(defects::as_models());
    cases.push(defects::as_implementations(&two_rounds));
    cases
}
