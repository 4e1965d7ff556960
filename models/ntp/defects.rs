//! Defects: each as a model and as an implementation, for one reason.

use counterpart::Case;
use counterpart::check::Defect;
use counterpart::conform::Walk;

use super::bindings::Bound;
use super::cases::{forged, interleaved, kisses, lively, plain, timeless, twins};
use super::check;
use super::model::{Exchange, Variant};
use super::properties::{
    DENIED, HALF, HALF_AND_DRIFT, HAS_TIME, NOT_SHORTENED, OF_THE_NETWORK, ONCE, QUESTIONS_ONLY, SERVERS_ONLY,
    SYNCHRONISED, TIGHT, UNDISTURBED,
};

/// Why a client or server with this defect is found out.
fn why(variant: Variant) -> &'static str {
    match variant {
        Variant::Sound => "",
        Variant::AcceptsZeroOrigin => {
            "once its question is answered the client waits for an origin of 0, and an attacker has no easier guess \
             (CVE-2015-8138)"
        }
        Variant::HonoursKissFirst => {
            "anybody can say DENY in the server's name, for nobody looks at what the kiss answers: one packet ends \
             synchronisation for good (CVE-2015-7704)"
        }
        Variant::KeepsQuestionOpen => {
            "the network doubled an answer, and the second counts again: how much later it came is taken for the clock's \
             error"
        }
        Variant::UpdatesBeforeCheck => {
            "a packet that answers nothing ends the question that was open: the server's answer comes and is bogus now"
        }
        Variant::BelievesUnsynchronised => "leap indicator 3 says that the server's clock is not set",
        Variant::BelievesAnyStratum => "stratum 16 says that no reference clock is behind the server",
        Variant::ReadsMissingStamps => "0 is no time but the lack of one, and is subtracted as if it were 1900",
        Variant::SubtractsUnsigned => "a clock that is behind is taken to be almost an era ahead",
        Variant::SubtractsWide => "the era ended between the stamps, and their difference is wrong by all of it",
        Variant::HalvesTooEarly => {
            "each half is rounded by itself, and what is lost is more than the bound leaves room for"
        }
        Variant::ShortensOnRate => "it was told to ask less often and takes it for leave to ask more often",
        Variant::AsksOnWhenDenied => "it was told to go away and asks again",
        Variant::AnswersAnswers => {
            "an answer is no question; two servers that do this send each other one packet for ever"
        }
        Variant::KeepsTwins => {
            "two questions came in one tick and got the same receive stamp; the next answer says when the second left, and \
             the client has had the first"
        }
        Variant::KeepsForInterleavedAlone => "the first two answers are plain, and what they measure is right",
        Variant::MispairsInterleaved => {
            "an interleaved answer says when the answer before it left, and that is subtracted from when this one came"
        }
    }
}

/// The model that each shows in, and what it violates there.
fn shown() -> Vec<(Variant, Exchange, &'static [&'static str])> {
    use Variant as V;
    let drifting = Exchange { slips_max: 1, losses_max: 0, doubles_max: 0, ..plain() };
    vec![
        (V::AcceptsZeroOrigin, forged(), &[SERVERS_ONLY]),
        (V::HonoursKissFirst, forged(), &[SERVERS_ONLY, SYNCHRONISED]),
        (V::KeepsQuestionOpen, plain(), &[ONCE]),
        (V::UpdatesBeforeCheck, forged(), &[UNDISTURBED]),
        (V::BelievesUnsynchronised, timeless(), &[HAS_TIME]),
        (V::BelievesAnyStratum, timeless(), &[HAS_TIME]),
        (V::ReadsMissingStamps, timeless(), &[HAS_TIME]),
        (V::SubtractsUnsigned, Exchange { offset: -3, ..plain() }, &[HALF, TIGHT]),
        (V::SubtractsWide, drifting, &[HALF, HALF_AND_DRIFT]),
        (V::HalvesTooEarly, plain(), &[HALF, TIGHT]),
        (V::ShortensOnRate, Exchange { poll_min: 1, ..kisses() }, &[NOT_SHORTENED]),
        (V::AsksOnWhenDenied, kisses(), &[DENIED]),
        (V::AnswersAnswers, forged(), &[QUESTIONS_ONLY]),
        (V::KeepsTwins, twins(), &[OF_THE_NETWORK]),
        (V::MispairsInterleaved, interleaved(), &[HALF, OF_THE_NETWORK]),
    ]
}

/// Each defect as a model; where it ends synchronisation, that is asked for.
pub(super) fn as_models() -> Vec<Case> {
    let of = |(variant, model, violated): (Variant, Exchange, &'static [&'static str])| {
        let begin = if violated.contains(&SYNCHRONISED) { lively } else { check };
        let defect = Defect::new(crate::snake(variant), why(variant)).as_a_model(model.with(variant), violated);
        let because = |model| violated.iter().fold(begin(model), |check, name| check.because(*name, why(variant)));
        Defect::cases("ntp", &[defect], because)
    };
    shown().into_iter().flat_map(of).collect()
}

/// Each defect as an implementation, and ours, beside the sound model of the bounds that it shows in; one walks as well.
pub(super) fn as_implementations() -> Vec<Case> {
    let of = |(variant, model, _): (Variant, Exchange, _)| {
        let name = crate::snake(variant);
        let defects = [Defect::new(name.as_str(), why(variant)).as_an_implementation(model.clone().with(variant))];
        let check = check(model.clone()).alongside_only().defects(&defects).because_of(&defects);
        let check = check.product(move || Bound::new(&model));
        let walked = crate::snake(Variant::KeepsQuestionOpen);
        let check = check.walked(&defects, &walked, Walk::new().runs(100).steps(200));
        Case::new(format!("ntp/defect_{name}"), check)
    };
    shown().into_iter().map(of).collect()
}
