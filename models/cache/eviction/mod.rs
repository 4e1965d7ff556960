//! What a full cache keeps, and what it costs to have kept the wrong thing.
//!
//! Least recently used is blind to cost: a scan of cheap keys drives out the one that is dear to load again, and the
//! ratio does not show it. One model for LRU, FIFO and GDSF; our own store and published caches are held to the policy
//! that they claim.
//!
//! # Sources
//! - L. Cherkasova, "Improving WWW Proxies Performance with Greedy-Dual-Size-Frequency Caching Policy", HPL-98-69R1,
//!   1998.
//! - moka issue 590 (a node that outlives its key).
//!
//! # Abstracted away
//! - Values, and time: what has expired is the sub-model `cache`'s.
//! - Room is in units of size, 1 or 2 a key.

pub mod model;

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use counterpart::conform;
use counterpart::model::Simulated;
use counterpart::{Case, Check, Counterpart, Interface, Spec};
use serde_json::{Value, json};

use super::implementation::store::{self, Store};

use self::model::{Action, Eviction, KEYS_MAX, Policy, State, Variant};

const COSTLY: &str = "the costly key outlives a scan of cheap ones";
const ROOM: &str = "no more than there is room for";
const NAMED: &str = "what goes is what the policy names";

/// How the model reads.
pub struct EvictionSpec;

impl Spec for EvictionSpec {
    type Model = Eviction;

    fn parameters(&self, model: &Eviction) -> BTreeMap<String, String> {
        let keys = usize::from(model.keys);
        [
            ("policy", format!("{:?}", model.policy)),
            ("capacity", model.capacity.to_string()),
            ("sizes", format!("{:?}", &model.sizes[..keys])),
            ("costs", format!("{:?}", &model.costs[..keys])),
            (
                "scan",
                model.scan_max.map_or("any".into(), |max| format!("{max} cheap keys for a use of the costly one")),
            ),
            ("makes room to replace", if model.makes_room_to_replace { "yes" } else { "no" }.into()),
            ("variant", format!("{:?}", model.variant)),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_string(), value))
        .collect()
    }

    fn actor(&self, _: &Action) -> String {
        "client".into()
    }

    fn state_json(&self, model: &Eviction, state: &State) -> Value {
        let order = state.order.iter().map(|node| match (node.orphan, model.policy) {
            (true, _) => format!("{} removed", node.key),
            (false, Policy::Gdsf { .. }) => {
                format!("{} used {} times, {} halves above", node.key, node.frequency, node.surplus)
            }
            (false, _) => node.key.to_string(),
        });
        json!({
            "first to go": order.collect::<Vec<_>>().join(", "),
            "scanned": state.scanned,
            "history": if state.history.wronged { "something went out of its turn" } else { "" },
        })
    }

    fn because(&self) -> &[(&'static str, &'static str)] {
        &[
            (
                COSTLY,
                "least recently used is blind to what a miss costs: a few cheap keys, each asked for once, and the one \
                 that is dear to load again is gone",
            ),
            (ROOM, "more is kept than there is room for, and nothing makes it go"),
            (NAMED, "something that was to stay has gone, and what was to go is still there"),
        ]
    }
}

/// What the outside sees: whether a key is there.
pub struct EvictionInterface;

impl Interface for EvictionInterface {
    type Model = Eviction;
    type Input = Action;
    /// Whether the key was found, or is kept.
    type Output = bool;
    /// Which keys are there.
    type Snapshot = [bool; KEYS_MAX];

    fn label(&self, model: &Eviction, from: &State, action: &Action, _: Option<&State>) -> Option<(Action, bool)> {
        let answer = match *action {
            Action::Get { key } | Action::Remove { key } => model.holds(from, key),
            Action::Insert { .. } => true,
        };
        Some((*action, answer))
    }

    fn snapshot(&self, model: &Eviction, state: &State) -> Option<[bool; KEYS_MAX]> {
        Some(std::array::from_fn(|key| model.holds(state, key as u8)))
    }
}

/// Our own store, as plain data.
#[derive(Clone)]
struct StoreBinding {
    store: Store<u8, ()>,
    sizes: [u8; KEYS_MAX],
    costs: [u8; KEYS_MAX],
}

impl StoreBinding {
    fn new(model: &Eviction) -> Self {
        let policy = match model.policy {
            Policy::Lru => store::Policy::Lru,
            Policy::Fifo => store::Policy::Fifo,
            Policy::Gdsf { frequency_max } => store::Policy::Gdsf { frequency_max: frequency_max.into() },
        };
        StoreBinding { store: Store::new(policy, model.capacity.into()), sizes: model.sizes, costs: model.costs }
    }
}

impl PartialEq for StoreBinding {
    fn eq(&self, other: &Self) -> bool {
        self.store.order() == other.store.order()
    }
}

impl Eq for StoreBinding {}

impl Hash for StoreBinding {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.store.order().hash(state);
    }
}

impl Counterpart<EvictionInterface> for StoreBinding {
    fn apply(&mut self, input: &Action) -> bool {
        match *input {
            Action::Get { key } => self.store.get(&key).is_some(),
            Action::Insert { key } => {
                let (size, cost) = (self.sizes[usize::from(key)], self.costs[usize::from(key)]);
                self.store.insert(key, (), size.into(), cost.into()).is_ok()
            }
            Action::Remove { key } => self.store.remove(&key),
        }
    }

    fn observe(&self) -> Option<[bool; KEYS_MAX]> {
        Some(std::array::from_fn(|key| self.store.peek(&(key as u8)).is_some()))
    }
}

/// A check of `model`.
pub(super) fn check(model: Eviction) -> Check<Eviction, EvictionInterface> {
    Check::of(model).interface(EvictionInterface).spec(EvictionSpec)
}

fn with_ours(model: Eviction) -> Check<Eviction, EvictionInterface> {
    let (core, toured) = (model.clone(), model.clone());
    let larger = Eviction { keys: KEYS_MAX as u8, capacity: model.capacity + 1, scan_max: None, ..model.clone() };
    let walked = larger.clone();
    check(model).product(move || StoreBinding::new(&core)).tour(move || StoreBinding::new(&toured)).subject(
        "implementation",
        conform::Walk::new().beside(larger).runs(100).steps(200).of(move || StoreBinding::new(&walked)),
    )
}

/// The cases of this sub-model.
pub(super) fn cases() -> Vec<Case> {
    let gdsf = Policy::Gdsf { frequency_max: 2 };
    let sized = Eviction { sizes: [1, 2, 1, 2, 1], costs: [4, 1, 1, 2, 1], ..Eviction::of(gdsf, 3) };
    let lru = Eviction::of(Policy::Lru, 2);
    let defective = |name: &str, model: Eviction, property: &str| {
        Case::new(format!("cache/{name}"), check(model).violates(property))
    };
    let mut cases = vec![
        Case::new("cache/lru", with_ours(Eviction::of(Policy::Lru, 3))),
        Case::new("cache/fifo", with_ours(Eviction::of(Policy::Fifo, 3))),
        Case::new("cache/gdsf", with_ours(sized)),
        Case::new("cache/gdsf_keeps_the_costly_object", with_ours(Eviction::scan(gdsf))),
        Case::new("cache/lru_loses_the_costly_object", with_ours(Eviction::scan(Policy::Lru)).violates(COSTLY)),
        Case::new(
            "cache/fifo_loses_the_costly_object",
            with_ours(Eviction::scan(Policy::Fifo))
                .violates(COSTLY)
                .because(COSTLY, "what was stored first goes first, whatever it costs to have it back"),
        ),
        defective("orphans_node", Eviction { keys: 3, ..lru.clone() }.with(Variant::OrphansNode), ROOM),
        defective("holds_one_too_many", lru.clone().with(Variant::HoldsOneTooMany), ROOM),
        defective("overlooks_gets", lru.clone().with(Variant::OverlooksGets), NAMED),
        defective("evicts_newest", lru.clone().with(Variant::EvictsNewest), NAMED),
        Case::new(
            "cache/ignores_cost",
            check(Eviction::scan(gdsf).with(Variant::IgnoresCost))
                .violates(COSTLY)
                .because(COSTLY, "without its cost it is a key like any other"),
        ),
    ];
    let mut defects = check(lru.clone()).alongside_only();
    for variant in [Variant::OrphansNode, Variant::HoldsOneTooMany, Variant::OverlooksGets, Variant::EvictsNewest] {
        let name = crate::snake(variant);
        let (model, interface) = (Arc::new(lru.clone().with(variant)), Arc::new(EvictionInterface));
        defects = defects
            .subject(name.as_str(), conform::Product::new().of(move || Simulated::new(&model, &interface)))
            .because(name.as_str(), why(variant))
            .diverges(name);
    }
    cases.push(Case::new("cache/defects_of_eviction", defects));
    cases
}

fn why(variant: Variant) -> &'static str {
    match variant {
        Variant::Sound => "",
        Variant::OrphansNode => {
            "the removed key's node is still in the list: it belongs to nobody, and nothing behind it ever goes"
        }
        Variant::OverlooksGets => "what was just asked for goes, and what nobody asks for stays",
        Variant::EvictsNewest => "what was just stored goes first",
        Variant::IgnoresCost => "all keys are taken to cost the same",
        Variant::HoldsOneTooMany => "it makes room only when one too many is there already",
    }
}
