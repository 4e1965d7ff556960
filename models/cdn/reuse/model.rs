//! Sub-model *reuse*: one cache of one target, and an origin that says now this and now that of how its content may be used.

use serde::Serialize;
use stateright::{Model, Property};

use super::properties;

/// What an origin says of its content. Lives are in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// What it is called in traces.
    pub name: &'static str,
    /// `max-age` of a field targeted at caches like this one. It stands in the place of all others.
    pub targeted: Option<u8>,
    /// `s-maxage`.
    pub s_maxage: Option<u8>,
    /// `max-age`.
    pub max_age: Option<u8>,
    /// `Expires`, after the date. 0: it is in the past.
    pub expires: u8,
    /// `public`.
    pub is_public: bool,
    /// `must-revalidate`.
    pub must_revalidate: bool,
    /// `stale-if-error`. 0: it is not there.
    pub if_error: u8,
}

const NONE: Form = Form {
    name: "",
    targeted: None,
    s_maxage: None,
    max_age: None,
    expires: 0,
    is_public: false,
    must_revalidate: false,
    if_error: 0,
};

/// What the origin may say.
pub const FORMS: [Form; 8] = [
    Form { name: "max-age=1", max_age: Some(1), ..NONE },
    Form { name: "max-age=1, stale-if-error=1", max_age: Some(1), if_error: 1, ..NONE },
    Form {
        name: "max-age=1, must-revalidate, stale-if-error=1",
        max_age: Some(1),
        must_revalidate: true,
        if_error: 1,
        ..NONE
    },
    Form { name: "s-maxage=1, max-age=2, stale-if-error=1", s_maxage: Some(1), max_age: Some(2), if_error: 1, ..NONE },
    Form { name: "targeted max-age=1, s-maxage=2", targeted: Some(1), s_maxage: Some(2), ..NONE },
    Form { name: "max-age=1, Expires after 2", max_age: Some(1), expires: 2, ..NONE },
    Form { name: "Expires after 1", expires: 1, ..NONE },
    Form { name: "max-age=2, public", max_age: Some(2), is_public: true, ..NONE },
];

/// The model and its bounds. Times are in ticks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reuse {
    /// What the origin may say: the first so many of [`FORMS`].
    pub forms: u8,
    /// Times that the content changes.
    pub changes_max: u8,
    /// Ticks after its life for which content is kept.
    pub stale_kept: u8,
    /// Whether `s-maxage` forbids stale use, as RFC 9111 §5.2.2.10 says and many caches do not heed.
    pub s_maxage_forbids_stale: bool,
    /// What is done otherwise than it should.
    pub variant: Variant,
}

/// `Sound`, then one defect each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Variant {
    /// The sound one.
    #[default]
    Sound,
    /// A targeted field is not looked at.
    IgnoresTargeted,
    /// `max-age` counts before `s-maxage`.
    PrefersMaxAge,
    /// `Expires` counts before `max-age`.
    PrefersExpires,
    /// A 304 begins a new life of the length that was said before.
    KeepsOldFields,
    /// Stale use is not forbidden by anything.
    ServesForbidden,
    /// Whenever asking fails, what there is is used.
    IgnoresWindow,
    /// An answer to a request with `Authorization` is kept like any other.
    SharesAuthorized,
}

/// What is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Kept {
    /// Its version.
    pub version: u8,
    /// The form whose life it has.
    pub form: u8,
    /// The form that the origin said last of it; history.
    pub said: u8,
    /// Ticks since it came or was validated.
    pub age: u8,
    /// Whether the request had `Authorization`; history.
    pub is_authorized: bool,
}

/// What becomes of requests at the origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Origin {
    /// They are answered.
    Answers,
    /// They are answered by an error (503).
    Errs,
    /// They do not reach it.
    IsAway,
}

/// What has gone wrong in the last step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Breach {
    /// Content was served as fresh after its life.
    ServedExpired,
    /// Stale content was served although the origin forbids it.
    ServedForbidden,
    /// Stale content was served beyond the window for errors.
    ServedBeyondWindow,
    /// What was sent to who is known was served to another.
    ServedAuthorized,
}

/// A configuration.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The version of the content.
    pub version: u8,
    /// What the origin says of it now; an index of [`FORMS`].
    pub form: u8,
    /// Whether it can be asked.
    pub origin: Origin,
    /// What is kept.
    pub kept: Option<Kept>,
    /// History: what has gone wrong in the last step.
    pub breach: Option<Breach>,
}

/// What the scheduler makes happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Action {
    /// A client asks.
    Request {
        /// Whether it says who it is.
        is_authorized: bool,
    },
    /// The origin says something else of its content from now on.
    Say {
        /// An index of [`FORMS`].
        form: u8,
    },
    /// The content changes.
    Change,
    /// The origin fails, or is well again.
    Turn {
        /// How it is from now on.
        origin: Origin,
    },
    /// Time passes.
    Tick,
}

/// What the client is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Given {
    /// Content of this version.
    Content(u8),
    /// An error, by its status.
    Failure(u16),
}

/// What the outside is told by a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Told {
    /// What the client is given.
    pub given: Option<Given>,
    /// Whether the origin was asked.
    pub asked: bool,
    /// Whether it was asked if what is kept is still so.
    pub validates: bool,
}

impl Reuse {
    /// All forms, one change, two ticks in which what is over is kept and may not be used, the strict reading.
    pub fn small() -> Self {
        Reuse {
            forms: FORMS.len() as u8,
            changes_max: 1,
            stale_kept: 3,
            s_maxage_forbids_stale: true,
            variant: Variant::Sound,
        }
    }

    /// The same with a defect.
    #[must_use]
    pub fn with(self, variant: Variant) -> Self {
        Reuse { variant, ..self }
    }

    /// What `action` makes of `before`, and what the outside is told.
    pub fn step(&self, before: &State, action: Action) -> (State, Told) {
        let mut state = State { breach: None, ..before.clone() };
        match action {
            Action::Request { is_authorized } => {
                let told = self.request(&mut state, is_authorized);
                return (state, told);
            }
            Action::Say { form } => state.form = form,
            Action::Change => state.version += 1,
            Action::Turn { origin } => state.origin = origin,
            Action::Tick => {
                let older = state.kept.map(|kept| Kept { age: kept.age + 1, ..kept });
                state.kept = older.filter(|kept| kept.age < self.life(kept.form) + self.stale_kept);
            }
        }
        (state, Told::default())
    }

    fn request(&self, state: &mut State, is_authorized: bool) -> Told {
        let fresh = state.kept.filter(|kept| kept.age < self.life(kept.form));
        if let Some(kept) = fresh {
            let is_over = kept.age >= said_life(kept.said);
            let is_others = kept.is_authorized && !says_shared(kept.said);
            state.breach = if is_over {
                Some(Breach::ServedExpired)
            } else {
                (is_others && !is_authorized).then_some(Breach::ServedAuthorized)
            };
            return Told { given: Some(Given::Content(kept.version)), ..Told::default() };
        }
        // Whoever says who they are may be answered with what is theirs: it is asked for whole.
        let validates = !is_authorized && state.kept.is_some();
        let given = match state.origin {
            Origin::Answers => self.answer(state, is_authorized, validates),
            Origin::Errs => self.failed(state, is_authorized, 503),
            Origin::IsAway => self.failed(state, is_authorized, 502),
        };
        Told { given: Some(given), asked: true, validates }
    }

    fn answer(&self, state: &mut State, is_authorized: bool, validates: bool) -> Given {
        let (version, said) = (state.version, state.form);
        let same = state.kept.filter(|kept| validates && kept.version == version);
        let form = same.filter(|_| self.keeps_old_fields()).map_or(said, |kept| kept.form);
        if self.is_stored(said, is_authorized) {
            state.kept = Some(Kept { version, form, said, age: 0, is_authorized });
        }
        Given::Content(version)
    }

    fn failed(&self, state: &mut State, is_authorized: bool, status: u16) -> Given {
        let Some(kept) = state.kept.filter(|kept| self.is_of_use(*kept)) else { return Given::Failure(status) };
        let (said, life) = (FORMS[usize::from(kept.said)], said_life(kept.said));
        let window = if said.targeted.is_some() { 0 } else { said.if_error };
        state.breach = if kept.age >= life && self.says_never_stale(kept.said) {
            Some(Breach::ServedForbidden)
        } else if kept.age >= life && (window == 0 || kept.age > life + window) {
            Some(Breach::ServedBeyondWindow)
        } else {
            (kept.is_authorized && !says_shared(kept.said) && !is_authorized).then_some(Breach::ServedAuthorized)
        };
        Given::Content(kept.version)
    }

    /// Whether the origin forbids that stale content is used.
    fn says_never_stale(&self, form: u8) -> bool {
        let form = &FORMS[usize::from(form)];
        let by_s_maxage = form.s_maxage.is_some() && self.s_maxage_forbids_stale;
        form.targeted.is_none() && (form.must_revalidate || by_s_maxage)
    }
}

/// Ticks for which content is fresh.
fn said_life(form: u8) -> u8 {
    let form = &FORMS[usize::from(form)];
    form.targeted.or(form.s_maxage).or(form.max_age).unwrap_or(form.expires)
}

/// Whether what is sent to who is known may be given to others (RFC 9111 §3.5).
fn says_shared(form: u8) -> bool {
    let form = &FORMS[usize::from(form)];
    form.targeted.is_none() && (form.is_public || form.s_maxage.is_some() || form.must_revalidate)
}

/// Where the model deviates: the rules ask these.
impl Reuse {
    /// Ticks for which content of a form is taken for fresh.
    pub fn life(&self, form: u8) -> u8 {
        let Form { s_maxage, max_age, expires, .. } = FORMS[usize::from(form)];
        match self.variant {
            Variant::IgnoresTargeted => s_maxage.or(max_age).unwrap_or(expires),
            Variant::PrefersMaxAge => max_age.unwrap_or(said_life(form)),
            Variant::PrefersExpires if expires > 0 => expires,
            _ => said_life(form),
        }
    }

    fn is_stored(&self, form: u8, is_authorized: bool) -> bool {
        !is_authorized || says_shared(form) || self.variant == Variant::SharesAuthorized
    }

    fn keeps_old_fields(&self) -> bool {
        self.variant == Variant::KeepsOldFields
    }

    /// Whether stale content is used when asking has failed (RFC 5861 §4).
    fn is_of_use(&self, kept: Kept) -> bool {
        let form = &FORMS[usize::from(kept.form)];
        let is_in_window =
            form.targeted.is_none() && form.if_error > 0 && kept.age <= self.life(kept.form) + form.if_error;
        match self.variant {
            Variant::ServesForbidden => is_in_window,
            Variant::IgnoresWindow => !self.says_never_stale(kept.form),
            _ => is_in_window && !self.says_never_stale(kept.form),
        }
    }
}

impl Model for Reuse {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State { version: 0, form: 0, origin: Origin::Answers, kept: None, breach: None }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        actions.extend([false, true].map(|is_authorized| Action::Request { is_authorized }));
        actions.extend((0..self.forms).filter(|form| *form != state.form).map(|form| Action::Say { form }));
        if state.version < self.changes_max {
            actions.push(Action::Change);
        }
        let others = [Origin::Answers, Origin::Errs, Origin::IsAway].into_iter().filter(|other| *other != state.origin);
        actions.extend(others.map(|origin| Action::Turn { origin }));
        actions.push(Action::Tick);
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let (after, _) = self.step(before, action);
        (after != *before).then_some(after)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all()
    }
}
