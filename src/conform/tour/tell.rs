//! What a tour tells beside counts: how much was verified, and what was never chosen.

use super::plan::{Cover, Plan};
use crate::conform::lts::Lts;

/// What the distinguishing suffixes of a tour have shown.
///
/// It assumes that the implementation is deterministic and has at most `extra_states` more states than the model.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Verified {
    /// Transitions whose target was to be verified: all that were driven.
    pub edges: usize,
    /// Transitions whose target was told from every other state, but for states that nothing tells from it.
    pub edges_verified: usize,
    /// Those of the verified transitions whose proof rests, for some other state, on that state not offering an input
    /// that was given. The model does not say what an implementation in that state would answer.
    pub edges_by_offers: usize,
    /// Transitions where the model leaves open how the target is reached or what is answered, or where the search for
    /// what tells the target apart was given up.
    pub edges_unsure: usize,
    /// Transitions for which no inputs were left.
    pub edges_beyond_cap: usize,
    /// States that the implementation may have beyond the model's.
    pub extra_states: usize,
    /// Inputs given to verify.
    pub steps: usize,
    /// Fresh starts to verify.
    pub starts: usize,
    /// Classes of two and more states that no sequence of inputs tells apart. Harmless: nobody outside could.
    pub indistinguishable_classes: usize,
    /// States in these classes.
    pub indistinguishable_states: usize,
    /// Whether the search for what tells states apart, and the driving, came to an end. If not, some of the states
    /// counted as indistinguishable may be told apart after all.
    pub is_complete: bool,
}

/// Transitions that the model allows and the implementation never took, those alike counted together.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Unchosen {
    /// The model's action.
    pub action: String,
    /// The input that it is one outcome of.
    pub input: String,
    /// The answer that was never given, or never told from another outcome's.
    pub output: String,
    /// The first state with such a transition, in the order of exploration.
    pub state: String,
    /// How many states have one.
    pub states: usize,
}

/// Most transitions never taken that are listed.
const UNCHOSEN_NAMED: usize = 5;

/// Names the transitions that were never taken, the first few.
pub(super) fn named(lts: &Lts, plan: &Plan) -> Vec<Unchosen> {
    let words = lts.words();
    let mut named: Vec<Unchosen> = Vec::new();
    for (node, index) in plan.places(Cover::Unchosen) {
        let edge = lts.edges(node)[index];
        let Some(label) = edge.label else { continue };
        let (action, _) = words.action(node, &edge);
        let (input, output) = (words.input(label.input), words.output(label.output));
        let same = |other: &&mut Unchosen| (&other.action, &other.input, &other.output) == (&action, &input, &output);
        if let Some(same) = named.iter_mut().find(same) {
            same.states += 1;
        } else if named.len() < UNCHOSEN_NAMED {
            named.push(Unchosen { action, input, output, state: words.state(node), states: 1 });
        }
    }
    named
}
