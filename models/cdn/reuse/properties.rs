//! What is promised of when kept content is used.

use stateright::Property;

use super::model::{Breach, Kept, Origin, Reuse, State};

/// RFC 9213 §2.2, RFC 9111 §4.2.1, §4.3.4.
pub const IN_TIME: &str = "nothing is served as fresh after the life that the origin gave it last";
/// RFC 9111 §4.2.4.
pub const NOT_FORBIDDEN: &str = "nothing stale is served that the origin forbids to serve";
/// RFC 5861 §4.
pub const IN_WINDOW: &str = "nothing stale is served beyond the window for errors";
/// RFC 9111 §3.5.
pub const OWN: &str = "what was sent to who is known is served to nobody else, unless it says so";

fn never(breach: Breach) -> impl Fn(&State) -> bool {
    move |state| state.breach != Some(breach)
}

/// Safety. Nothing has to come about in the end.
pub(super) fn all() -> Vec<Property<Reuse>> {
    vec![
        Property::always(IN_TIME, |_: &Reuse, state: &State| never(Breach::ServedExpired)(state)),
        Property::always(NOT_FORBIDDEN, |_, state: &State| never(Breach::ServedForbidden)(state)),
        Property::always(IN_WINDOW, |_, state: &State| never(Breach::ServedBeyondWindow)(state)),
        Property::always(OWN, |_, state: &State| never(Breach::ServedAuthorized)(state)),
        Property::sometimes("an answer to who is known is kept for all", |_, state: &State| {
            state.kept.is_some_and(|kept| kept.is_authorized)
        }),
        Property::sometimes("what is over is kept while the origin is away", |model: &Reuse, state: &State| {
            let is_over = |kept: Kept| kept.age >= model.life(kept.form);
            state.kept.is_some_and(is_over) && state.origin == Origin::IsAway
        }),
    ]
}
