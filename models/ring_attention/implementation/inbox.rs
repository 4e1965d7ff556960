//! Where a host's blocks arrive: for each way a channel that holds so many, and what has come out of it. Plain data, and
//! no waiting: whoever asks is told that it is not so far.

use std::collections::VecDeque;
use std::task::Poll;

use thiserror::Error;

use super::Way;

/// The neighbour at the other end is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the neighbour is gone")]
pub struct Gone;

/// Where a block lands that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Landing {
    /// In the buffer of the block at hand, which is not wanted any more.
    InPlace,
    /// In a buffer of its own.
    Spare,
}

/// What leads to one host.
///
/// Blocks are counted where they take up a buffer of the host or of its channels: at hand, landed in a spare one, waiting
/// in a channel. What is only offered is still the neighbour's.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Inbox<T> {
    capacity: usize,
    lanes: Vec<Lane<T>>,
    /// The host itself.
    gone: bool,
    at_hand: usize,
    held_max: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Lane<T> {
    /// What the neighbour has posted and the channel has not taken.
    offered: Option<T>,
    queue: VecDeque<T>,
    asked: Option<Landing>,
    landed: Option<T>,
    /// Whether what lands takes up a buffer of its own.
    spare: bool,
    sender_gone: bool,
}

impl<T> Inbox<T> {
    /// Empty, with so many ways in, each of which holds `capacity` blocks; with 0 sender and receiver meet. The host has
    /// `at_hand` blocks.
    pub fn new(capacity: usize, ways: usize, at_hand: usize) -> Self {
        let lane = || Lane {
            offered: None,
            queue: VecDeque::new(),
            asked: None,
            landed: None,
            spare: false,
            sender_gone: false,
        };
        let lanes = (0..ways).map(|_| lane()).collect();
        Inbox { capacity, lanes, gone: false, at_hand, held_max: at_hand }
    }

    /// Offers a block. Not before the one that was offered last is taken.
    pub fn post(&mut self, way: Way, block: &mut Option<T>) -> Poll<()> {
        let lane = &mut self.lanes[way.index()];
        if lane.offered.is_some() && !lane.sender_gone && !self.gone {
            return Poll::Pending;
        }
        lane.offered = block.take();
        self.move_blocks(way);
        Poll::Ready(())
    }

    /// Whether the channel has what was offered.
    ///
    /// # Errors
    /// The host is gone, and has not taken it; or the sender's own end was taken away.
    pub fn taken(&self, way: Way) -> Poll<Result<(), Gone>> {
        let lane = &self.lanes[way.index()];
        match &lane.offered {
            _ if lane.sender_gone => Poll::Ready(Err(Gone)),
            None => Poll::Ready(Ok(())),
            Some(_) if self.gone => Poll::Ready(Err(Gone)),
            Some(_) => Poll::Pending,
        }
    }

    /// Asks for the next block.
    pub fn ask(&mut self, way: Way, landing: Landing) {
        self.lanes[way.index()].asked = Some(landing);
        self.move_blocks(way);
    }

    /// Whether a block has landed.
    ///
    /// # Errors
    /// The sender is gone, and nothing is left of what it sent; or this end was taken away.
    pub fn given(&self, way: Way) -> Poll<Result<(), Gone>> {
        let lane = &self.lanes[way.index()];
        match &lane.landed {
            _ if self.gone => Poll::Ready(Err(Gone)),
            Some(_) => Poll::Ready(Ok(())),
            None if lane.sender_gone && lane.queue.is_empty() => Poll::Ready(Err(Gone)),
            None => Poll::Pending,
        }
    }

    /// What has landed; `keeps`: and what it takes the place of stays with the host.
    pub fn take(&mut self, way: Way, keeps: bool) -> Option<T> {
        let lane = &mut self.lanes[way.index()];
        let landed = lane.landed.take();
        if landed.is_some() {
            lane.spare = false;
            self.at_hand += usize::from(keeps);
            self.count();
        }
        landed
    }

    /// What has landed, and where it lies until it is taken.
    pub fn landed(&self, way: Way) -> Option<&T> {
        self.lanes[way.index()].landed.as_ref()
    }

    /// Takes a neighbour's end away, and what it has offered; what is in the channel can still be received.
    pub fn sever_sender(&mut self, way: Way) {
        let lane = &mut self.lanes[way.index()];
        lane.sender_gone = true;
        lane.offered = None;
    }

    /// Takes the host's own end away.
    pub fn sever_receiver(&mut self) {
        self.gone = true;
        for lane in &mut self.lanes {
            lane.queue.clear();
            lane.landed = None;
        }
    }

    /// Blocks that the host holds now, those that wait for it counted.
    pub fn held(&self) -> usize {
        let of_lane = |lane: &Lane<T>| lane.queue.len() + usize::from(lane.spare && lane.landed.is_some());
        self.at_hand + self.lanes.iter().map(of_lane).sum::<usize>()
    }

    /// The most that it ever held.
    pub fn held_max(&self) -> usize {
        self.held_max
    }

    /// Begins to count anew.
    pub fn forget_peak(&mut self) {
        self.held_max = self.held();
    }

    fn count(&mut self) {
        self.held_max = self.held_max.max(self.held());
    }

    /// Whatever can go on by itself does: from the sender into the channel, from the channel to who asked. Each block
    /// that lands makes room for the one behind it.
    fn move_blocks(&mut self, way: Way) {
        loop {
            let (gone, capacity) = (self.gone, self.capacity);
            let lane = &mut self.lanes[way.index()];
            let meets = capacity == 0 && lane.asked.is_some();
            if !gone
                && (lane.queue.len() < capacity || meets)
                && let Some(block) = lane.offered.take()
            {
                if meets { lane.land(block) } else { lane.queue.push_back(block) }
            } else if lane.asked.is_some()
                && let Some(block) = lane.queue.pop_front()
            {
                lane.land(block);
            } else {
                return;
            }
            self.count();
        }
    }
}

impl<T> Lane<T> {
    fn land(&mut self, block: T) {
        self.spare = self.asked.take() == Some(Landing::Spare);
        self.landed = Some(block);
    }
}
