//! Defects: each as a model and as an implementation, for one reason.

use counterpart::Case;
use counterpart::check::Defect;

use super::check;
use super::model::{Variant, Work};
use super::properties::{BOUNDED, FEW_ALIASES, FEW_TRIES, NO_LOOP, RESOLVES};

/// One good server.
pub(super) fn good() -> Work {
    Work { one_is_good: true, ..Work::small() }
}

/// The table of defects.
fn defects() -> Vec<Defect<Work>> {
    let defect = |model: Work, variant, violated| {
        let model = model.with(variant);
        Defect::new(crate::snake(variant), why(variant)).as_a_model(model.clone(), violated).as_an_implementation(model)
    };
    vec![
        defect(Work::small(), Variant::RefillsBudget, &[BOUNDED]),
        defect(Work::small(), Variant::FetchesAllReferred, &[BOUNDED]),
        defect(Work::small(), Variant::ForgetsAliases, &[NO_LOOP]),
        defect(Work::small(), Variant::FollowsEveryAlias, &[FEW_ALIASES]),
        defect(Work::small(), Variant::KeepsTrying, &[FEW_TRIES]),
        defect(good(), Variant::AsksFirstAlone, &[RESOLVES]),
    ]
}

/// Each as a model.
pub(super) fn as_models() -> Vec<Case> {
    Defect::cases("dns", &defects(), |model| {
        let check = check(model.clone());
        match model.variant {
            Variant::AsksFirstAlone => check.violates("a name resolves"),
            _ => check,
        }
    })
}

/// Each as an implementation, beside the sound model.
pub(super) fn as_implementations() -> Vec<Case> {
    let (of_good, others): (Vec<_>, Vec<_>) =
        defects().into_iter().partition(|defect| defect.implementation.as_ref().is_some_and(|model| model.one_is_good));
    let case = |name: &str, model, defects: &[Defect<Work>]| {
        let check = check(model).alongside_only().because_of(defects).defects(defects);
        Case::new(format!("dns/{name}"), check)
    };
    vec![case("work_defects", Work::small(), &others), case("work_defect_of_servers", good(), &of_good)]
}

fn why(variant: Variant) -> &'static str {
    match variant {
        Variant::Sound => "",
        Variant::RefillsBudget => "each alias begins with a full budget, so that a chain of them multiplies it",
        Variant::FetchesAllReferred => "all servers that a referral names are looked for, and nobody counts it",
        Variant::ForgetsAliases => "what was followed before is followed again, up to the bound",
        Variant::FollowsEveryAlias => "only a loop ends a chain of aliases",
        Variant::KeepsTrying => "a server that says nothing is asked until the budget is spent",
        Variant::AsksFirstAlone => "of two servers the first alone is asked",
    }
}
