//! Defects: each as a model and as an implementation, for one reason.

use counterpart::Case;
use counterpart::check::Defect;
use counterpart::conform::Walk;

use super::bindings::Bound;
use super::check;
use super::model::{Budget, Delivery, Variant};
use super::properties::*;

/// As many faults of consumers as attempts: enough for a dead letter.
pub(super) fn two_faults() -> Delivery {
    Delivery {
        attempts_max: Some(2),
        budget: Budget { faults: 2, retries: 1, ..Budget::default() },
        ..Delivery::small()
    }
}

/// More mishaps than attempts, consumers that work on when the broker restarts, and a store of effects that compares
/// tokens.
pub(super) fn fenced() -> Delivery {
    let small = Delivery::small();
    let budget = Budget { faults: 2, ..small.budget };
    Delivery { fenced: true, lets_go: false, attempts_max: Some(2), budget, ..small }
}

/// One message.
pub(super) fn one() -> Delivery {
    Delivery { message_keys: vec![0], lets_go: false, attempts_max: Some(2), ..Delivery::small() }
}

/// Two messages of a key, and no crash of the broker.
pub(super) fn two() -> Delivery {
    Delivery { attempts_max: Some(2), budget: Budget { faults: 1, ..Budget::default() }, ..Delivery::small() }
}

/// Publishes are synced together.
pub(super) fn grouped() -> Delivery {
    Delivery { group_commit: true, budget: Budget { crashes: 1, retries: 1, ..Budget::default() }, ..Delivery::small() }
}

/// The producer starts anew.
pub(super) fn restarted() -> Delivery {
    Delivery { consumers: 1, budget: Budget { restarts: 1, crashes: 1, ..Budget::default() }, ..Delivery::small() }
}

/// A consumer is removed.
pub(super) fn removed() -> Delivery {
    Delivery { budget: Budget { removals: 1, faults: 1, ..Budget::default() }, ..one() }
}

/// Dead letters are put back, and keys are forgotten.
pub(super) fn redriven() -> Delivery {
    Delivery {
        fenced: true,
        window: true,
        budget: Budget { redrives: 1, faults: 2, nacks: 1, crashes: 1, ..Budget::default() },
        ..one()
    }
}

/// Nobody can work on the first of two messages, each of a key of its own.
pub(super) fn poisoned() -> Delivery {
    Delivery {
        message_keys: vec![0, 1],
        poison: 0b01,
        attempts_max: Some(2),
        budget: Budget { crashes: 1, ..Budget::default() },
        ..Delivery::small()
    }
}

/// Consumers renew their leases.
pub(super) fn renewed() -> Delivery {
    Delivery { renews: true, fenced: true, ..one() }
}

/// Bounds by name, and the defects that show in them, each with what it violates there.
type Shown = (&'static str, Delivery, Vec<(Variant, &'static [&'static str])>);

fn table() -> Vec<Shown> {
    let twice = Delivery { budget: Budget { faults: 2, ..Budget::default() }, ..one() };
    let apart = Delivery { message_keys: vec![0, 1], ..two() };
    vec![
        (
            "defects",
            one(),
            vec![
                (Variant::KeepsNoKeys, &[ONCE]),
                (Variant::ChecksThenActs, &[ONCE]),
                (Variant::RecordsKeyFirst, &[KEPT, SETTLED]),
                (Variant::AcksByMessage, &[HOLDER]),
            ],
        ),
        (
            "defects_of_order",
            two(),
            vec![
                (Variant::FiresAndForgets, &[KEPT, IN_ORDER, SETTLED]),
                (Variant::AcksFirst, &[KEPT, IN_ORDER, SETTLED]),
                (Variant::IgnoresKeys, &[IN_ORDER]),
                (Variant::StoresEveryCopy, &[IN_ORDER]),
            ],
        ),
        ("defects_of_prefetch", apart, vec![(Variant::IgnoresPrefetch, &[PREFETCH])]),
        (
            "defects_of_attempts",
            twice,
            vec![(Variant::CountsFirstDelivery, &[ATTEMPTS]), (Variant::DropsAtMax, &[KEPT, SETTLED])],
        ),
        (
            "defects_of_syncing",
            Delivery { message_keys: vec![0], ..grouped() },
            vec![(Variant::ConfirmsBeforeSync, &[KEPT, SETTLED]), (Variant::ReadsTornTail, &[SENT])],
        ),
        ("defects_of_epochs", restarted(), vec![(Variant::IgnoresEpoch, &[KEPT, SETTLED])]),
        ("defects_of_removal", removed(), vec![(Variant::ForgetsPending, &[SETTLED, GIVEN_ON])]),
        ("defects_of_redrives", redriven(), vec![(Variant::ForgetsKeysOfDead, &[ONCE, REDRIVEN_ONCE])]),
        ("defects_of_poison", poisoned(), vec![(Variant::BlocksBehindHead, &[])]),
        ("defects_of_renewal", renewed(), vec![(Variant::RenewsByMessage, &[HOLDER])]),
    ]
}

fn defects(model: &Delivery, shown: &[(Variant, &'static [&'static str])]) -> Vec<Defect<Delivery>> {
    let defect = |(variant, violated): &(Variant, &'static [&'static str])| {
        let model = model.clone().with(*variant);
        let defect = Defect::new(crate::snake(variant), why(*variant)).as_a_model(model.clone(), violated);
        // The sound one is never asked to do what these do in the end.
        match variant {
            Variant::ForgetsKeysOfDead => defect,
            _ => defect.as_an_implementation(model),
        }
    };
    shown.iter().map(defect).collect()
}

/// Each as a model.
pub(super) fn as_models() -> Vec<Case> {
    let mut cases: Vec<Case> =
        table().iter().flat_map(|(_, model, shown)| Defect::cases("broker", &defects(model, shown), check)).collect();
    // With a bound on attempts the poison is a dead letter in the end, and the others go on.
    let blocked = Delivery { attempts_max: None, ..poisoned() }.with(Variant::BlocksBehindHead);
    let blocked = check(blocked).violates_all(&[SETTLED, APART]);
    cases.push(Case::new("broker/poison_blocks_behind_head", blocked));
    cases
}

/// Each as an implementation, and ours, beside the sound model in the bounds that it shows in.
pub(super) fn as_implementations() -> Vec<Case> {
    let case = |(name, model, shown): (&str, Delivery, Vec<_>)| {
        let defects = defects(&model, &shown);
        let check = check(model.clone()).alongside_only().because_of(&defects).defects(&defects);
        let check = check.product(move || Bound::new(&model));
        // One walk is enough to show that walks can fail.
        let walked = crate::snake(Variant::KeepsNoKeys);
        let check = check.walked(&defects, &walked, Walk::new().runs(200).steps(60));
        Case::new(format!("broker/{name}"), check)
    };
    let shown = table().into_iter().filter(|(name, ..)| !MODELS_ONLY.contains(name));
    shown.map(case).collect()
}

/// Bounds whose defects are shown as models alone.
const MODELS_ONLY: [&str; 1] = ["defects_of_redrives"];

fn why(variant: Variant) -> &'static str {
    match variant {
        Variant::Sound => "",
        Variant::KeepsNoKeys => "nobody remembers that the work was done",
        Variant::ChecksThenActs => "between the effect and the record of it there is room for a crash",
        Variant::RecordsKeyFirst => "the record says that the work was done, and it was not",
        Variant::ConfirmsBeforeSync => "the broker says that the message is safe while it is in memory alone",
        Variant::FiresAndForgets => "the producer takes for stored what it has sent, and nobody looks at the order",
        Variant::AcksFirst => "once it is handed out nobody but the consumer has the message",
        Variant::IgnoresKeys => "two consumers work on messages of one key at the same time",
        Variant::BlocksBehindHead => "a message is handed out only once all before it are settled, of whatever key",
        Variant::StoresEveryCopy => "a copy that was sent again is a message of its own, and comes in any order",
        Variant::IgnoresEpoch => {
            "the producer has started anew and counts from 0; the broker takes its first message for one that it had"
        }
        Variant::AcksByMessage => "the ack of a lease that is over settles the delivery of the present holder",
        Variant::RenewsByMessage => "the renewal of a lease that is over renews that of the present holder",
        Variant::ForgetsPending => "a consumer is removed, and what it held stays with it",
        Variant::IgnoresPrefetch => "it hands out one more than it may",
        Variant::CountsFirstDelivery => "only the first delivery is counted",
        Variant::DropsAtMax => "a message whose attempts are used up is taken for acknowledged",
        Variant::ForgetsKeysOfDead => "a dead letter's key is forgotten while it can still be put back",
        Variant::ReadsTornTail => "the end of the log, of which only a half was written, is taken for a message",
        Variant::AcksWhatIsPending => "an ack names the message: as long as that is pending, anybody's ack settles it",
        Variant::DropsPending => "what the removed consumer held is taken for settled",
        Variant::RenewalTakesOver => "whoever renews has the lease, whoever had it before",
    }
}
