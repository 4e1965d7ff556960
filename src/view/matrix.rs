//! What a model says of each state of a trace: which property holds where, and which fair actions are possible.

/// Properties and fair sets of actions by step, as far as they are known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Matrix {
    /// One row a property, in the model's order.
    pub properties: Vec<PropertyRow>,
    /// One row a fair set of actions, for the assumption that a lasso was judged under.
    pub fair: Vec<FairRow>,
    /// The model's own picture of the states that it knows, as SVG (`Model::as_svg`), where it draws one.
    pub picture: Option<String>,
}

/// What a property asks of a state, by step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PropertyRow {
    /// Its name.
    pub name: String,
    /// Its kind, as in `list --json`.
    pub kind: String,
    /// Whether the condition, or the goal, is met; `None` where it is not known.
    pub met: Vec<Option<bool>>,
    /// Whether a promise falls due there; empty where the kind knows no such thing.
    pub triggered: Vec<Option<bool>>,
    /// Why it is broken where it is, in the words of whoever wrote the model; empty where nobody did.
    pub because: String,
}

/// Where a fair set of actions is possible, and where one of it is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FairRow {
    /// `weak` or `strong`.
    pub strength: String,
    /// The actions of the set that are possible somewhere along the trace, each once.
    pub actions: Vec<String>,
    /// By step, whether one of them is possible in the state.
    pub enabled: Vec<Option<bool>>,
    /// By step, whether the step that leads into the state is one of them.
    pub taken: Vec<Option<bool>>,
}
