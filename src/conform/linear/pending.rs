//! The calls that may be explained at a stage: a window that moves with it.

use std::collections::VecDeque;

use super::order::Order;

/// The required calls that have begun before the one that is due ends, and are not due before it.
pub(super) struct Pending {
    stage: u32,
    /// How many of [`Order::arrivals`] have begun.
    arrived: usize,
    /// Those that may change something, in the order in which they are due.
    pub(super) movers: VecDeque<u32>,
    /// Those that change nothing, likewise.
    pub(super) looks: VecDeque<u32>,
    /// Calls by number: whether one changes nothing.
    is_look: Vec<bool>,
}

impl Pending {
    /// At stage 0. Of a class `is_look` says whether its calls change nothing.
    pub(super) fn new(order: &Order, is_look: impl Fn(u32) -> bool) -> Self {
        let is_look = order.required.iter().map(|item| is_look(item.class)).collect();
        let mut pending = Pending { stage: 0, arrived: 0, movers: VecDeque::new(), looks: VecDeque::new(), is_look };
        pending.arrive(order);
        pending
    }

    /// Whether a call changes nothing.
    pub(super) fn is_look(&self, id: u32) -> bool {
        self.is_look[id as usize]
    }

    /// Moves to `stage`. Returns those of [`Order::arrivals`] that are there and were not before.
    pub(super) fn go(&mut self, order: &Order, stage: u32) -> std::ops::Range<usize> {
        let before = self.arrived;
        if stage < self.stage {
            self.go_back(order, stage);
            return self.arrived..self.arrived;
        }
        self.stage = stage;
        for waiting in [&mut self.movers, &mut self.looks] {
            while waiting.front().is_some_and(|id| *id < stage) {
                waiting.pop_front();
            }
        }
        self.arrive(order);
        before..self.arrived
    }

    fn arrive(&mut self, order: &Order) {
        /// So many are put in their places one by one.
        const FEW: usize = 8;
        let due = order.due(self.stage);
        let until = |id: &u32| order.required[*id as usize].begin < due || *id == self.stage;
        let new = order.arrivals[self.arrived..].iter().take_while(|id| until(id)).count();
        let ids = &order.arrivals[self.arrived..self.arrived + new];
        self.arrived += new;
        for id in ids.iter().filter(|id| **id >= self.stage) {
            let waiting = if self.is_look[*id as usize] { &mut self.looks } else { &mut self.movers };
            if new > FEW {
                waiting.push_back(*id);
            } else {
                let place = waiting.partition_point(|other| other < id);
                waiting.insert(place, *id);
            }
        }
        if new > FEW {
            self.movers.make_contiguous().sort_unstable();
            self.looks.make_contiguous().sort_unstable();
        }
    }

    fn go_back(&mut self, order: &Order, stage: u32) {
        let due = order.due(stage);
        let has_begun = |id: u32| order.required[id as usize].begin < due || id == stage;
        for id in (stage..self.stage.min(order.required.len() as u32)).rev().filter(|id| has_begun(*id)) {
            let waiting = if self.is_look[id as usize] { &mut self.looks } else { &mut self.movers };
            waiting.push_front(id);
        }
        let mut gone = false;
        while self.arrived > 0 && !has_begun(order.arrivals[self.arrived - 1]) {
            self.arrived -= 1;
            gone = true;
        }
        if gone {
            self.movers.retain(|id| has_begun(*id));
            self.looks.retain(|id| has_begun(*id));
        }
        self.stage = stage;
    }
}
