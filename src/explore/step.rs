//! What a model is asked: the successors of a state, the same once more to see that it answers the same, and a step
//! that was taken before.

use std::any::Any;
use std::borrow::Cow;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

use super::ModelError;
use super::form::Form;
use crate::model::CheckedModel;

/// What becomes of an action.
pub(super) enum Next<S> {
    Refused,
    Cut,
    State(S),
}

/// Every state below this number, and of later ones one in [`RECHECKED_ONE_IN`], is expanded twice.
const RECHECKED_NODES: usize = 10_000;
const RECHECKED_ONE_IN: usize = 64;

/// Whether `node` is one that is expanded twice.
#[inline]
pub(super) fn is_rechecked(node: usize) -> bool {
    node < RECHECKED_NODES || node.is_multiple_of(RECHECKED_ONE_IN)
}

/// Hands the outcome of each action of `state` to `each`, in their order, with its index. `actions` is room to work in.
#[inline]
pub(super) fn expand<M: CheckedModel>(
    model: &M,
    state: &M::State,
    rechecked: bool,
    actions: &mut Vec<M::Action>,
    mut each: impl FnMut(u32, Next<M::State>),
) -> Result<(), ModelError> {
    actions.clear();
    model.actions(state, actions);
    if rechecked {
        recheck(model, state, actions)?;
    }
    for (index, action) in actions.drain(..).enumerate() {
        let next = match model.next_state(state, action) {
            None => Next::Refused,
            Some(next) if model.within_boundary(&next) => Next::State(next),
            Some(_) => Next::Cut,
        };
        each(index as u32, next);
    }
    Ok(())
}

/// Asks `model` again what it said of `state`.
#[cold]
fn recheck<M: CheckedModel>(model: &M, state: &M::State, actions: &[M::Action]) -> Result<(), ModelError> {
    let mut again = Vec::with_capacity(actions.len());
    model.actions(state, &mut again);
    if again != actions {
        return Err(nondeterministic("the list of actions", state));
    }
    for action in actions {
        if model.next_state(state, action.clone()) != model.next_state(state, action.clone()) {
            return Err(nondeterministic(&format!("next_state of {action:?}"), state));
        }
    }
    Ok(())
}

/// What of `node` the model panics at, asked again, and how it is come by.
#[cold]
pub(super) fn blamed<'a, M: CheckedModel>(
    model: &M,
    node: usize,
    state_of: impl Fn(usize) -> Cow<'a, M::State>,
    way_to: impl Fn(usize) -> Vec<(usize, usize)>,
    panic: &(dyn Any + Send),
) -> ModelError {
    let action = |(from, index): (usize, usize)| {
        let mut actions = Vec::new();
        model.actions(&state_of(from), &mut actions);
        actions.get(index).map(|action| model.format_action(action)).unwrap_or_default()
    };
    let state = state_of(node);
    let what = panics_at(model, &state).unwrap_or_else(|| "what it is asked once".into());
    let path = way_to(node).into_iter().map(action).collect();
    ModelError::Panics { what, state: format!("{:?}", &*state), path, words: panic_message(panic) }
}

/// Which question about `state` makes `model` panic.
#[cold]
pub(super) fn panics_at<M: CheckedModel>(model: &M, state: &M::State) -> Option<String> {
    let panics = |asked: &mut dyn FnMut()| catch_unwind(AssertUnwindSafe(asked)).is_err();
    let mut actions = Vec::new();
    if panics(&mut || model.actions(state, &mut actions)) {
        return Some("actions".into());
    }
    actions.iter().find_map(|action| {
        let mut next = None;
        if panics(&mut || next = model.next_state(state, action.clone())) {
            return Some(format!("next_state of {}", model.format_action(action)));
        }
        let to = next?;
        panics(&mut || _ = model.within_boundary(&to)).then(|| format!("within_boundary of {to:?}"))
    })
}

/// What a panic said.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> String {
    let words = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    words.unwrap_or("with a payload that is not text").to_string()
}

pub(super) fn nondeterministic(what: &str, state: &impl Debug) -> ModelError {
    ModelError::Nondeterministic { what: what.into(), state: format!("{state:?}") }
}

/// A step that was taken before.
#[inline]
pub(super) fn again<M: CheckedModel, F: Form<M::State>>(
    model: &M,
    state: &M::State,
    actions: &[M::Action],
    index: u32,
) -> Option<F::Held> {
    model.next_state(state, actions.get(index as usize)?.clone()).map(F::hold)
}

/// Does `work` with each of `items`, on so many threads, which take them as they come.
pub(super) fn share_out<T: Send>(threads: usize, items: &mut [T], work: impl Fn(&mut T) + Sync) {
    share_out_with(&mut vec![(); threads.max(1)], items, |(), item| work(item));
}

/// Does `work` with each of `items`, on as many threads as there are `rooms`. Each thread has one of these for its own,
/// and takes items as they come, a later one after an earlier one.
pub(super) fn share_out_with<R: Send, T: Send>(rooms: &mut [R], items: &mut [T], work: impl Fn(&mut R, &mut T) + Sync) {
    if let ([room, ..], [_]) | ([room], _) = (&mut *rooms, &*items) {
        return items.iter_mut().for_each(|item| work(room, item));
    }
    let helpers = rooms.len().min(items.len()).saturating_sub(1);
    let (rooms, items) = (Mutex::new(rooms.iter_mut()), Mutex::new(items.iter_mut()));
    at_once(helpers, &|| {
        let Some(room) = next(&rooms) else { return };
        while let Some(item) = next(&items) {
            work(room, item);
        }
    });
}

fn next<I: Iterator>(shared: &Mutex<I>) -> Option<I::Item> {
    shared.lock().unwrap_or_else(PoisonError::into_inner).next()
}

/// Does `work` here and on so many threads more.
fn at_once(helpers: usize, work: &(dyn Fn() + Sync)) {
    std::thread::scope(|scope| {
        let helpers: Vec<_> = (0..helpers).map(|_| scope.spawn(work)).collect();
        work();
        for helper in helpers {
            helper.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        }
    });
}
