//! What precedes what: calls in the order in which they are due.
//!
//! A call precedes another if it ended before the other began, or if the other follows it by name; and so on from there.
//! A call that has to be explained is due when it ends, or before that, when the first that follows it does: no order in
//! which it comes later respects what is known.

use std::collections::HashMap;

/// One call. Its number is its place among all.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// 0 where it is not known.
    pub(crate) begin: u64,
    /// `None` where it never ended, or it is not known when.
    pub(crate) end: Option<u64>,
    /// It has taken effect. Others may have, or not.
    pub(crate) required: bool,
    /// Calls that mean the same have the same.
    pub(crate) class: u32,
    /// The calls that it follows, whatever their intervals say.
    pub(crate) follows: Vec<u32>,
}

/// No order respects what is said: the call both precedes and follows another, or itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unordered {
    pub(crate) call: u32,
}

/// A call in its place. Those that are required are known by their place among [`Order::required`], the others by theirs
/// among [`Order::optional`], beginning where the required end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    pub(super) call: u32,
    pub(super) class: u32,
    pub(super) begin: u64,
    /// `u64::MAX` where there is none.
    pub(super) due: u64,
}

/// Calls that never ended and say the same.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) class: u32,
    /// By their begins.
    pub(super) members: Vec<u32>,
}

/// Calls in the order in which they are due.
#[derive(Debug)]
pub(crate) struct Order {
    /// In the order in which they are due.
    pub(super) required: Vec<Item>,
    /// In the order of their begins.
    pub(super) optional: Vec<Item>,
    /// The required, in the order of their begins.
    pub(super) arrivals: Vec<u32>,
    /// The optional by what they say, in the order of their first begins.
    pub(super) groups: Vec<Group>,
    /// Of those that follow others by name, which.
    pub(super) follows: HashMap<u32, Vec<u32>>,
    /// Whether one follows or is followed by name, and so cannot stand for others that say the same. Empty if none is.
    pub(super) is_linked: Vec<bool>,
}

impl Order {
    /// # Errors
    /// No order respects what is said.
    pub(crate) fn new(calls: &[Call]) -> Result<Self, Unordered> {
        let mut due: Vec<u64> = calls.iter().map(|call| call.end.unwrap_or(u64::MAX)).collect();
        let mut required: Vec<bool> = calls.iter().map(|call| call.required).collect();
        let linked = calls.iter().any(|call| !call.follows.is_empty());
        let places = if linked { settle(calls, &mut due, &mut required)? } else { Vec::new() };
        let place = |call: u32| places.get(call as usize).copied().unwrap_or(call);
        let item = |call: u32| {
            let Call { begin, class, .. } = calls[call as usize];
            Item { call, class, begin, due: due[call as usize] }
        };
        let numbers = || 0..calls.len() as u32;
        let mut needed: Vec<Item> = numbers().filter(|call| required[*call as usize]).map(item).collect();
        needed.sort_unstable_by_key(|item| (item.due, place(item.call)));
        let mut optional: Vec<Item> = numbers().filter(|call| !required[*call as usize]).map(item).collect();
        optional.sort_unstable_by_key(|item| (item.begin, item.call));
        let mut arrivals: Vec<u32> = (0..needed.len() as u32).collect();
        arrivals.sort_unstable_by_key(|id| needed[*id as usize].begin);
        let mut order = Order {
            groups: Vec::new(),
            required: needed,
            optional,
            arrivals,
            follows: HashMap::new(),
            is_linked: Vec::new(),
        };
        if linked {
            order.link(calls);
        }
        order.group();
        Ok(order)
    }

    /// The item of this number.
    pub(super) fn item(&self, id: u32) -> &Item {
        match self.required.get(id as usize) {
            Some(item) => item,
            None => &self.optional[id as usize - self.required.len()],
        }
    }

    /// The call that is due at `stage`, where one is.
    pub(super) fn due(&self, stage: u32) -> u64 {
        self.required.get(stage as usize).map_or(u64::MAX, |item| item.due)
    }

    /// Whether the item may not stand for others that say the same.
    pub(super) fn is_linked(&self, id: u32) -> bool {
        self.is_linked.get(id as usize).copied().unwrap_or(false)
    }

    fn link(&mut self, calls: &[Call]) {
        let mut ids = vec![0; calls.len()];
        for (id, item) in (0..).zip(self.required.iter().chain(&self.optional)) {
            ids[item.call as usize] = id;
        }
        self.is_linked = vec![false; calls.len()];
        for (call, id) in calls.iter().zip(&ids).filter(|(call, _)| !call.follows.is_empty()) {
            let follows: Vec<u32> = call.follows.iter().map(|other| ids[*other as usize]).collect();
            for id in follows.iter().chain([id]) {
                self.is_linked[*id as usize] = true;
            }
            self.follows.insert(*id, follows);
        }
    }

    fn group(&mut self) {
        let mut known: HashMap<u32, usize> = HashMap::new();
        for (id, item) in (self.required.len() as u32..).zip(&self.optional) {
            let alone = self.is_linked.get(id as usize).copied().unwrap_or(false);
            let next = self.groups.len();
            let group = if alone { next } else { *known.entry(item.class).or_insert(next) };
            if group == next {
                self.groups.push(Group { class: item.class, members: Vec::new() });
            }
            self.groups[group].members.push(id);
        }
    }
}

/// Makes what a required call follows required and due no later. Returns each call's place in an order that respects what
/// is followed by name.
fn settle(calls: &[Call], due: &mut [u64], required: &mut [bool]) -> Result<Vec<u32>, Unordered> {
    let mut before: Vec<usize> = calls.iter().map(|call| call.follows.len()).collect();
    let mut followers: Vec<Vec<u32>> = vec![Vec::new(); calls.len()];
    for (call, number) in calls.iter().zip(0..) {
        for other in &call.follows {
            followers[*other as usize].push(number);
        }
    }
    let mut queue: Vec<u32> = (0..calls.len() as u32).filter(|call| before[*call as usize] == 0).collect();
    let mut next = 0;
    while let Some(call) = queue.get(next).copied() {
        next += 1;
        for follower in &followers[call as usize] {
            before[*follower as usize] -= 1;
            if before[*follower as usize] == 0 {
                queue.push(*follower);
            }
        }
    }
    if let Some(call) = (0..calls.len() as u32).find(|call| before[*call as usize] > 0) {
        return Err(Unordered { call });
    }
    let mut earliest: Vec<u64> = calls.iter().map(|call| call.begin).collect();
    for call in &queue {
        for other in &calls[*call as usize].follows {
            earliest[*call as usize] = earliest[*call as usize].max(earliest[*other as usize]);
        }
    }
    for call in queue.iter().rev() {
        for other in &calls[*call as usize].follows {
            if required[*call as usize] {
                required[*other as usize] = true;
                due[*other as usize] = due[*other as usize].min(due[*call as usize]);
            }
        }
    }
    if let Some(call) = (0..calls.len()).find(|call| earliest[*call] > due[*call]) {
        return Err(Unordered { call: call as u32 });
    }
    let mut places = vec![0; calls.len()];
    for (place, call) in (0..).zip(&queue) {
        places[*call as usize] = place;
    }
    Ok(places)
}
