//! What is promised of parts.

use stateright::Property;

use super::model::{Breach, Parts, State, Tag};

/// RFC 9110 §15.3.7.3.
pub const UNMIXED: &str = "no two versions are served as one";
/// RFC 9111 §3.3.
pub const ALL: &str = "who asks for the whole is given the whole";

fn is_whole(state: &State) -> bool {
    state.kept.is_some_and(|kept| kept.halves.iter().all(Option::is_some))
}

/// Safety. Nothing has to come about in the end.
pub(super) fn all() -> Vec<Property<Parts>> {
    vec![
        Property::always(UNMIXED, |_: &Parts, state: &State| state.breach != Some(Breach::ServedMixed)),
        Property::always(ALL, |_, state: &State| state.breach != Some(Breach::ServedLess)),
        Property::sometimes("a part is kept", |_, state: &State| state.kept.is_some() && !is_whole(state)),
        Property::sometimes("what is kept is whole and has no strong validator", |_, state: &State| {
            is_whole(state) && state.kept.is_some_and(|kept| kept.tag != Tag::Strong)
        }),
    ]
}
