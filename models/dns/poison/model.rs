//! Sub-model *poison*: a resolver asks the server of a zone, an attacker who sees nothing sends answers of their own, and
//! the server, which may be the attacker's, adds what nobody has asked for.
//!
//! Two zones, `a.zz` and `b.zz`, each with a name `www`. What is drawn for a question is drawn from few: an id of two bits
//! and a port of one. The attacker guesses in a fixed order. Since what is drawn is equally likely each, no order is
//! better, and whoever sees what was drawn gains nothing by it.

use serde::Serialize;
use stateright::{Model, Property};

use super::properties;

/// Names, one of each zone.
pub const NAMES: usize = 2;

/// The model and its bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Poison {
    /// How many of the names are asked for.
    pub names: u8,
    /// Ids to draw from.
    pub ids: u8,
    /// Ports to draw from.
    pub ports: u8,
    /// Guesses that the attacker has.
    pub guesses_max: u8,
    /// Whether servers add what nobody has asked for, and others send answers that are wrong in one thing. Without it a
    /// question is asked once, so that how likely a guess is can be told.
    pub adds: bool,
    /// What it does otherwise than it should.
    pub variant: Variant,
}

/// `Sound`, then one defect each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Variant {
    /// The sound one.
    #[default]
    Sound,
    /// All questions are sent from one port.
    DrawsIdAlone,
    /// The port that an answer comes to is not looked at (CVE-2020-25684).
    AcceptsAnyPort,
    /// The id is not looked at.
    AcceptsAnyId,
    /// The question in the answer is not looked at.
    AcceptsAnyQuestion,
    /// Where an answer comes from is not looked at.
    AcceptsAnyServer,
    /// A question that is on its way is sent again for each client (CVE-2020-25686).
    AsksInParallel,
    /// A referral to a zone beside the server's own is followed.
    AcceptsSiblingReferral,
    /// The authority section of a positive answer is kept as well.
    KeepsAuthority,
    /// The additional section of a positive answer is kept as well.
    KeepsAdditional,
    /// All of the answer section is kept, whatever was asked.
    KeepsForeignAnswers,
    /// Glue is told as an answer.
    TellsGlue,
    /// What a server answers for a name is kept although it refers to a zone of the name's own (SCALE: records below a
    /// delegation).
    UsesBelowDelegation,
}

/// What the scheduler makes happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Action {
    /// A client asks, and this is drawn if it is needed.
    Ask {
        /// 0-based.
        name: u8,
        /// The id of the question.
        id: u8,
        /// The port that it is sent from.
        port: u8,
    },
    /// The attacker sends the next guess.
    Guess {
        /// The name whose question it is aimed at, 0-based.
        name: u8,
    },
    /// Somebody sends an answer that is right but for one thing.
    Forge {
        /// The name whose question it is aimed at, 0-based.
        name: u8,
        /// What is wrong.
        wrong: Field,
    },
    /// The server answers.
    Answer {
        /// What.
        name: u8,
        /// What it answers, and adds.
        content: Content,
    },
}

/// What an answer is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Field {
    /// The id.
    Id,
    /// Our port.
    Port,
    /// The question.
    Question,
    /// The server's address.
    Server,
}

/// What a server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Content {
    /// The address that was asked for.
    Plain,
    /// The same, and an NS record of the other zone in AUTHORITY.
    WithAuthority,
    /// The same, and an address of another name in ADDITIONAL.
    WithAdditional,
    /// The same, and an address of the other zone's `www` in ANSWER.
    WithForeignAnswer,
    /// A zone of its own begins at the name; its server's address, which is the name's, comes with it.
    Referral,
    /// The other zone is to be asked.
    SiblingReferral,
    /// A zone of its own begins at the name; what the server has of the name itself comes with it, as an answer.
    ReferralWithAnswer,
}

/// All of them.
pub const CONTENTS: [Content; 7] = [
    Content::Plain,
    Content::WithAuthority,
    Content::WithAdditional,
    Content::WithForeignAnswer,
    Content::Referral,
    Content::SiblingReferral,
    Content::ReferralWithAnswer,
];

/// A record that comes with an answer and that nobody has asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Extra {
    /// It is of the zone of the server that was asked.
    is_of_zone: bool,
    section: Section,
}

/// Where a record stands in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Section {
    Answer,
    Authority,
    Additional,
    /// ADDITIONAL, with a referral.
    Glue,
}

impl Extra {
    /// What it is to keep it, or to tell it.
    fn breach(self) -> Breach {
        match self {
            Extra { is_of_zone: false, .. } => Breach::OutOfZone,
            Extra { section: Section::Glue, .. } => Breach::Glue,
            Extra { .. } => Breach::Unasked,
        }
    }
}

impl Content {
    fn extra(self) -> Option<Extra> {
        let extra = |is_of_zone, section| Some(Extra { is_of_zone, section });
        match self {
            Content::Plain => None,
            Content::WithAuthority | Content::SiblingReferral => extra(false, Section::Authority),
            Content::WithAdditional => extra(true, Section::Additional),
            // What is below a cut is the zone's below.
            Content::WithForeignAnswer | Content::ReferralWithAnswer => extra(false, Section::Answer),
            Content::Referral => extra(true, Section::Glue),
        }
    }
}

/// Where the model deviates: the rules ask these.
impl Variant {
    /// Whether the port is drawn, and not the id alone.
    fn draws_port(self) -> bool {
        self != Variant::DrawsIdAlone
    }

    /// Questions of a name that may be under way at once.
    fn open_max(self) -> usize {
        if self == Variant::AsksInParallel { 2 } else { 1 }
    }

    /// Whether an answer that is wrong in `field` is thrown away.
    fn looks_at(self, field: Field) -> bool {
        self != match field {
            Field::Id => Variant::AcceptsAnyId,
            Field::Port => Variant::AcceptsAnyPort,
            Field::Question => Variant::AcceptsAnyQuestion,
            Field::Server => Variant::AcceptsAnyServer,
        }
    }

    /// Whether what comes with an answer is kept to be told, or followed. Sound: none of it.
    fn keeps(self, content: Content, extra: Extra) -> bool {
        match self {
            Variant::KeepsAuthority => extra.section == Section::Authority && content == Content::WithAuthority,
            Variant::AcceptsSiblingReferral => content == Content::SiblingReferral,
            Variant::KeepsAdditional => extra.section == Section::Additional,
            Variant::KeepsForeignAnswers => content == Content::WithForeignAnswer,
            Variant::UsesBelowDelegation => content == Content::ReferralWithAnswer,
            Variant::TellsGlue => extra.section == Section::Glue,
            Variant::Sound
            | Variant::DrawsIdAlone
            | Variant::AcceptsAnyPort
            | Variant::AcceptsAnyId
            | Variant::AcceptsAnyQuestion
            | Variant::AcceptsAnyServer
            | Variant::AsksInParallel => false,
        }
    }
}

/// A configuration.
///
/// Invariants: what is known of a name is not asked for any more; of names that nobody asks for no question is open;
/// guesses are within their number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The questions on their way for each name: id and port.
    pub open: [[Option<(u8, u8)>; 2]; NAMES],
    /// What is told of each name.
    pub known: [Known; NAMES],
    /// Whether a referral was followed, for each name.
    pub referred: [bool; NAMES],
    /// Guesses that were sent.
    pub guesses: u8,
    /// What should not have happened.
    pub breach: Option<Breach>,
}

/// What is told of a name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub enum Known {
    /// Nothing.
    #[default]
    Nothing,
    /// What its server has said.
    True,
    /// What somebody else has said.
    Forged,
}

/// What should not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Breach {
    /// An answer was believed that is wrong in something.
    Mismatched,
    /// Something was kept that is not the server's to say.
    OutOfZone,
    /// Something was kept that nobody has asked for.
    Unasked,
    /// Glue was told.
    Glue,
}

/// What the outside is told by a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Told {
    /// The question is sent.
    Sent,
    /// It is on its way.
    UnderWay,
    /// It is answered from what is known.
    Hit,
    /// An answer is believed.
    Believed,
    /// A referral is followed.
    Referred,
    /// An answer says nothing that can be used.
    Lame,
    /// It is as if nothing had come.
    Ignored,
}

impl Poison {
    /// Two bits of id, one of port, two guesses, one name that is asked for.
    pub fn small() -> Self {
        Poison { names: 1, ids: 4, ports: 2, guesses_max: 2, adds: true, variant: Variant::Sound }
    }

    /// The same, asked for once, and guesses alone.
    pub fn drawn() -> Self {
        Poison { adds: false, ..Poison::small() }
    }

    /// The same with a defect.
    #[must_use]
    pub fn with(self, variant: Variant) -> Self {
        Poison { variant, ..self }
    }

    /// The guess of that number.
    pub fn guess(&self, number: u8) -> (u8, u8) {
        (number % self.ids, number / self.ids % self.ports)
    }

    fn ask(&self, state: &mut State, name: usize, id: u8, port: u8) -> Told {
        if state.known[name] != Known::Nothing {
            return Told::Hit;
        }
        let port = if self.variant.draws_port() { port } else { 0 };
        match state.open[name][..self.variant.open_max()].iter_mut().find(|open| open.is_none()) {
            Some(open) => {
                *open = Some((id, port));
                Told::Sent
            }
            None => Told::UnderWay,
        }
    }

    /// A forged answer comes: right in `server` and `question`, or not.
    fn forged(&self, state: &mut State, name: usize, (id, port): (u8, u8), server: bool, question: bool) -> Told {
        let passes = |field: Field, is_right: bool| is_right || !self.variant.looks_at(field);
        let believed = state.open[name].iter().flatten().any(|open| {
            passes(Field::Id, open.0 == id)
                && passes(Field::Port, open.1 == port)
                && passes(Field::Server, server)
                && passes(Field::Question, question)
        });
        if !believed {
            return Told::Ignored;
        }
        let matches = server && question && state.open[name].contains(&Some((id, port)));
        if !matches {
            state.breach.get_or_insert(Breach::Mismatched);
        }
        state.open[name] = [None; 2];
        state.known[name] = Known::Forged;
        Told::Believed
    }

    fn answer(&self, state: &mut State, name: usize, content: Content) -> Told {
        if state.open[name] == [None; 2] {
            return Told::Ignored;
        }
        state.open[name] = [None; 2];
        let kept = content.extra().filter(|extra| self.variant.keeps(content, *extra));
        state.breach = state.breach.or(kept.map(Extra::breach));
        match content {
            Content::Plain | Content::WithAuthority | Content::WithAdditional | Content::WithForeignAnswer => {
                state.known[name] = Known::True;
                if kept == Some(Extra { is_of_zone: false, section: Section::Answer }) {
                    state.known[1 - name] = Known::Forged;
                }
                Told::Believed
            }
            Content::ReferralWithAnswer if kept.is_some() => {
                state.known[name] = Known::Forged;
                Told::Believed
            }
            Content::Referral | Content::ReferralWithAnswer => {
                state.referred[name] = true;
                if kept.is_some() {
                    state.known[name] = Known::Forged;
                }
                Told::Referred
            }
            Content::SiblingReferral if kept.is_some() => {
                state.referred[1 - name] = true;
                Told::Referred
            }
            Content::SiblingReferral => Told::Lame,
        }
    }

    /// What `action` makes of `before`, and what the outside is told.
    pub fn step(&self, before: &State, action: Action) -> (State, Told) {
        let mut state = before.clone();
        let told = match action {
            Action::Ask { name, id, port } => self.ask(&mut state, name.into(), id, port),
            Action::Guess { name } => {
                state.guesses += 1;
                self.forged(&mut state, name.into(), self.guess(before.guesses), true, true)
            }
            Action::Forge { name, wrong } => match before.open[usize::from(name)][0] {
                None => Told::Ignored,
                Some((id, port)) => {
                    let sent = match wrong {
                        Field::Id => ((id + 1) % self.ids, port),
                        Field::Port => (id, (port + 1) % self.ports),
                        Field::Question | Field::Server => (id, port),
                    };
                    let (server, question) = (wrong != Field::Server, wrong != Field::Question);
                    self.forged(&mut state, name.into(), sent, server, question)
                }
            },
            Action::Answer { name, content } => self.answer(&mut state, name.into(), content),
        };
        (state, told)
    }
}

impl State {
    /// Whether the invariants hold.
    fn is_consistent(&self, model: &Poison) -> bool {
        let open = |name: usize| self.open[name] != [None; 2];
        let told = (0..NAMES).all(|name| self.known[name] == Known::Nothing || !open(name) || self.breach.is_some());
        told && (usize::from(model.names)..NAMES).all(|name| !open(name)) && self.guesses <= model.guesses_max
    }
}

impl Model for Poison {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            open: [[None; 2]; NAMES],
            known: [Known::Nothing; NAMES],
            referred: [false; NAMES],
            guesses: 0,
            breach: None,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for name in 0..self.names {
            for id in 0..self.ids {
                actions.extend((0..self.ports).map(|port| Action::Ask { name, id, port }));
            }
            if state.guesses < self.guesses_max {
                actions.push(Action::Guess { name });
            }
            if !self.adds {
                actions.push(Action::Answer { name, content: Content::Plain });
                continue;
            }
            let fields = [Field::Id, Field::Port, Field::Question, Field::Server];
            // With two on their way what is wrong of the one may be right of the other.
            if state.open[usize::from(name)][1].is_none() {
                actions.extend(fields.map(|wrong| Action::Forge { name, wrong }));
            }
            actions.extend(CONTENTS.map(|content| Action::Answer { name, content }));
        }
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let (after, _) = self.step(before, action);
        assert!(after.is_consistent(self), "{after:?}");
        (after != *before).then_some(after)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all(self)
    }
}
