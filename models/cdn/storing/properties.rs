//! What is promised of what a cache keeps.

use stateright::Property;

use super::model::{Breach, Kept, State, Storing};

/// RFC 9111 §2, §4.1.
pub const ASKED_FOR: &str = "what is served is what was asked for";
/// RFC 9111 §4.2.
pub const IN_TIME: &str = "no content is served after its life";
/// An error has a life of its own.
pub const ERRORS_IN_TIME: &str = "no error is served after its life";
/// RFC 9111 §4.4, RFC 9875 §3.
pub const WRITTEN: &str = "nothing is served that is older than a write that was answered";
/// RFC 9111 §4.4, RFC 9875 §2.
pub const SAME_ORIGIN: &str = "a write takes nothing of another origin away";
/// RFC 9875 §2.2.1.
pub const OWN_GROUP: &str = "a write takes away what is its own or of its group alone";
/// RFC 9875 §3.
pub const SAFE: &str = "a safe request takes nothing away";

fn never(breach: Breach) -> impl Fn(&State) -> bool {
    move |state| state.breach != Some(breach)
}

/// Safety. Nothing has to come about in the end.
pub(super) fn all() -> Vec<Property<Storing>> {
    vec![
        Property::always(ASKED_FOR, |_: &Storing, state: &State| never(Breach::ServedOther)(state)),
        Property::always(IN_TIME, |_, state: &State| never(Breach::ServedExpired)(state)),
        Property::always(ERRORS_IN_TIME, |_, state: &State| never(Breach::ServedOldError)(state)),
        Property::always(WRITTEN, |_, state: &State| never(Breach::ServedOverwritten)(state)),
        Property::always(SAME_ORIGIN, |_, state: &State| never(Breach::TookFromOtherOrigin)(state)),
        Property::always(OWN_GROUP, |_, state: &State| never(Breach::TookFromOtherGroup)(state)),
        Property::always(SAFE, |_, state: &State| never(Breach::TookOnSafe)(state)),
        Property::sometimes("content and an error are kept at the same time", |_, state: &State| {
            let is_kept = |is_error: bool| state.kept.iter().flatten().any(|kept| kept.is_error == is_error);
            is_kept(true) && is_kept(false)
        }),
        Property::sometimes("content is kept that is as old as no error is", |model: &Storing, state: &State| {
            state.kept.iter().flatten().any(|kept: &Kept| !kept.is_error && kept.age >= model.error_life)
        }),
    ]
}
