//! What is always so, what must be possible, and what every run comes to.

use counterpart::model::Temporal;
use stateright::Property;

use super::geometry::{Layout, Mask};
use super::model::{Pass, Ring, State, Status};
use super::programme::Direction;

/// That nothing comes to a standstill.
pub const ENDS: &str = "every host ends";
/// That a whole lap is possible.
pub const ALL_PUBLISHED: &str = "all outputs are published";
/// That blocks are counted and bounded.
pub const BOUNDED: &str = "no host holds more blocks than its buffers and channels have room for";
/// That the bound is no larger than it must be.
pub const BOUND_IS_MET: &str = "some host holds as many blocks as it may";
/// Each pair once.
pub const ONCE: &str = "no host computes with a block twice";
/// Nothing too early, nothing in part.
pub const FINAL: &str = "no output is published before it is final";
/// The mask.
pub const MASK_OF_ORIGIN: &str = "the mask is the one of the block's origin";
/// The tag.
pub const TAGS: &str = "after s steps host i has the block of host i − s";
/// The lead.
pub const LEAD: &str = "no host is further ahead of a neighbour than channels have room for";
/// The buffer.
pub const UNTORN: &str = "no block changes while it is computed with";
/// The work.
pub const BALANCED: &str = "a balanced layout gives all hosts the same work, within one stretch";
/// The sums.
pub const SCALED: &str = "every published output is within tolerance";

impl Ring {
    fn all(&self) -> std::ops::Range<usize> {
        0..usize::from(self.hosts)
    }

    /// Whether all that `host` shows is there: every block that it needs, and backward its own, home with every part.
    pub(super) fn is_final(&self, state: &State, host: usize) -> bool {
        let own = &state.hosts[host];
        let number = host as u8;
        let whole = own.computed == self.needed(number);
        whole
            && match self.pass {
                Pass::Forward => true,
                Pass::Backward => {
                    let parts = self.all().filter(|other| self.needed(*other as u8) & 1 << number != 0);
                    own.resident[0].origin == number && own.resident[0].added == parts.fold(0, |set, i| set | 1 << i)
                }
            }
    }

    fn tag_is_right(&self, state: &State, host: usize, direction: Direction) -> bool {
        let own = &state.hosts[host];
        if own.status != Status::Running || own.step > self.hops(direction) {
            return true;
        }
        let away = match direction {
            Direction::Up => self.hosts - own.step % self.hosts,
            Direction::Down => own.step,
        };
        own.resident[direction as usize].origin == (host as u8 + away) % self.hosts
    }

    /// Steps of a host against the one that it sends to.
    fn lead_is_bounded(&self, state: &State, host: usize, direction: Direction) -> bool {
        let ahead = state.hosts[host].step;
        let behind = state.hosts[usize::from(self.next(host as u8, direction))].step;
        let hops = self.hops(direction);
        ahead.min(hops) <= behind + self.capacity + 1 && behind.min(hops) <= ahead + 1
    }

    fn claims_balance(&self) -> bool {
        match self.layout {
            Layout::Zigzag => !matches!(self.mask, Mask::Documents(_)),
            Layout::Packed | Layout::EachDocument => true,
            Layout::Contiguous | Layout::Striped => false,
        }
    }
}

fn published(model: &Ring, state: &State) -> bool {
    model.all().all(|host| state.hosts[host].status == Status::Published)
}

pub(super) fn properties() -> Vec<Property<Ring>> {
    let of_histories = [
        Property::always(ONCE, |model: &Ring, state: &State| model.all().all(|host| !state.hosts[host].history.twice)),
        Property::always(FINAL, |model: &Ring, state: &State| {
            let mut hosts = model.all();
            hosts.all(|host| state.hosts[host].status != Status::Published || model.is_final(state, host))
        }),
        Property::always(MASK_OF_ORIGIN, |model: &Ring, state: &State| {
            model.all().all(|host| !state.hosts[host].history.wrong_mask)
        }),
        Property::always(UNTORN, |model: &Ring, state: &State| model.all().all(|host| !state.hosts[host].history.torn)),
        Property::always(SCALED, |model: &Ring, state: &State| {
            let mut hosts = model.all().map(|host| &state.hosts[host]);
            hosts.all(|host| host.status != Status::Published || !host.history.is_off())
        }),
    ];
    let of_places = [
        Property::always(TAGS, |model: &Ring, state: &State| {
            let right = |host| model.directions().iter().all(|way| model.tag_is_right(state, host, *way));
            model.all().all(right)
        }),
        Property::always(BOUNDED, |model: &Ring, state: &State| {
            model.all().all(|host| model.resident(state, host as u8) <= model.resident_max())
        }),
        Property::always(LEAD, |model: &Ring, state: &State| {
            let bounded = |host| model.directions().iter().all(|way| model.lead_is_bounded(state, host, *way));
            model.all().all(bounded)
        }),
        Property::always(BALANCED, |model: &Ring, state: &State| {
            !(model.claims_balance() && published(model, state)) || model.is_balanced()
        }),
        Property::sometimes(ALL_PUBLISHED, published),
        Property::sometimes(BOUND_IS_MET, |model: &Ring, state: &State| {
            model.all().any(|host| model.resident(state, host as u8) == model.resident_max())
        }),
    ];
    of_histories.into_iter().chain(of_places).collect()
}

/// What is asked of whole runs.
pub(super) fn temporal() -> Vec<Temporal<Ring>> {
    vec![Temporal::eventually(ENDS, |model: &Ring, state: &State| {
        model.all().all(|host| state.hosts[host].status != Status::Running)
    })]
}
