//! One host's lap with blocks in it, over whatever brings them.

use std::task::Poll;

use thiserror::Error;

use super::{Gone, Keep, Landing, Next, Rotation, Way};

/// A block with the number of the host whose it is.
pub type Tagged<B> = (usize, B);

/// What a host reaches its neighbours by. One that waits does so in here and never says `Pending`; one that does not is
/// asked again.
pub trait Port<T> {
    /// Offers a block, which is taken out of `block` when it is.
    ///
    /// # Errors
    /// The neighbour is gone, and that is known already.
    fn post(&mut self, way: Way, block: &mut Option<T>) -> Poll<Result<(), Gone>>;

    /// Whether the channel has what was offered.
    ///
    /// # Errors
    /// The neighbour is gone.
    fn taken(&mut self, way: Way) -> Poll<Result<(), Gone>>;

    /// Asks for the next block that comes that way.
    fn ask(&mut self, way: Way, landing: Landing);

    /// Whether it is there.
    ///
    /// # Errors
    /// The neighbour is gone, and nothing is left of what it sent.
    fn given(&mut self, way: Way) -> Poll<Result<(), Gone>>;

    /// The block that is there; `keeps`: the host keeps the one at hand as well.
    fn take(&mut self, way: Way, keeps: bool) -> Option<T>;
}

/// Why a lap ended before its output was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum Lost {
    /// The neighbour that this host sends to, or receives from, is gone.
    #[error("host {host}: {Gone} while it was about to {doing:?}: the lap has no output")]
    Neighbour {
        /// 0-based.
        host: usize,
        /// What it was doing.
        doing: Next,
    },
    /// The block that came is not the one that was to come.
    #[error("host {host} received the block of host {got}, and expected that of host {expected}")]
    Misrouted {
        /// 0-based.
        host: usize,
        /// Whose block was to come.
        expected: usize,
        /// Whose block came.
        got: usize,
    },
}

/// What came of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// That was done.
    Did(Next),
    /// That could not be done yet: a neighbour is not so far.
    Waits(Next),
    /// The lap is over.
    Over,
}

/// One host's lap. `B` is a block: whatever is cheap to clone (an `Arc` of keys and values), or nothing at all.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lap<B> {
    rotation: Rotation,
    /// For each way whose block is at hand, and the block; none while the next one is received over it.
    at_hand: Vec<(usize, Option<B>)>,
    kept: Vec<Tagged<B>>,
    /// Whose blocks it computes with; `None`: with all.
    needs: Option<Vec<bool>>,
}

impl<B: Clone> Lap<B> {
    /// At its beginning, with the host's own `block` at hand.
    pub fn new(rotation: Rotation, block: B) -> Self {
        let own = rotation.host();
        let at_hand = rotation.plan().each_way().iter().map(|_| (own, Some(block.clone()))).collect();
        Lap { rotation, at_hand, kept: Vec::new(), needs: None }
    }

    /// The same, computing only with the blocks of those hosts for whom `needs` says so, by number.
    #[must_use]
    pub fn needing(mut self, needs: Vec<bool>) -> Self {
        self.needs = Some(needs);
        self.pass_by();
        self
    }

    /// The place in the lap.
    pub fn rotation(&self) -> &Rotation {
        &self.rotation
    }

    /// What is next; `None` at the end.
    pub fn next(&self) -> Option<Next> {
        self.rotation.next()
    }

    /// Whose block is at hand that way.
    pub fn origin(&self, way: Way) -> Option<usize> {
        self.at_hand.get(way.index()).map(|(origin, _)| *origin)
    }

    /// The block at hand that way; none while the next one is received over it.
    pub fn block(&self, way: Way) -> Option<&B> {
        self.at_hand.get(way.index()).and_then(|(_, block)| block.as_ref())
    }

    /// Does what is next; `compute` is given a block and whose it is.
    ///
    /// # Errors
    /// A neighbour is gone, or a wrong block came.
    pub fn step(&mut self, port: &mut impl Port<Tagged<B>>, compute: impl FnOnce(usize, &mut B)) -> Result<Step, Lost> {
        let Some(next) = self.rotation.next() else { return Ok(Step::Over) };
        let waits = match next {
            Next::Post(way) => port.post(way, &mut self.offer(way)),
            Next::AwaitTaken(way) => port.taken(way),
            Next::AwaitGiven(way) => port.given(way),
            Next::Ask(way) => {
                self.ask(port, way);
                Poll::Ready(Ok(()))
            }
            Next::Compute(way) => {
                if let Some((origin, Some(block))) = self.at_hand.get_mut(way.index()) {
                    compute(*origin, block);
                }
                Poll::Ready(Ok(()))
            }
            Next::MoveOn => {
                self.move_on(port)?;
                Poll::Ready(Ok(()))
            }
            Next::Publish => Poll::Ready(Ok(())),
        };
        match waits {
            Poll::Pending => Ok(Step::Waits(next)),
            Poll::Ready(Err(Gone)) => Err(Lost::Neighbour { host: self.rotation.host(), doing: next }),
            Poll::Ready(Ok(())) => {
                self.rotation.done();
                self.pass_by();
                Ok(Step::Did(next))
            }
        }
    }

    /// The block at hand that way, after the lap. Backward it is the host's own, with every gradient in it.
    pub fn into_block(self, way: Way) -> Option<B> {
        self.at_hand.into_iter().nth(way.index()).and_then(|(_, block)| block)
    }

    /// What a host that keeps all has kept, in the order in which it came by, but for the blocks at hand.
    pub fn kept(&self) -> &[Tagged<B>] {
        &self.kept
    }

    fn offer(&self, way: Way) -> Option<Tagged<B>> {
        let (origin, block) = self.at_hand.get(way.index())?;
        block.clone().map(|block| (*origin, block))
    }

    fn ask(&mut self, port: &mut impl Port<Tagged<B>>, way: Way) {
        let landing = self.rotation.plan().lands_in();
        if landing == Landing::InPlace {
            self.let_go(way);
        }
        port.ask(way, landing);
    }

    /// The block at hand is not wanted any more.
    fn let_go(&mut self, way: Way) {
        let Some((origin, block)) = self.at_hand.get_mut(way.index()) else { return };
        let block = block.take();
        let is_kept = self.kept.iter().any(|(kept, _)| kept == origin);
        if self.rotation.plan().keeps() == Keep::All && !is_kept {
            self.kept.extend(block.map(|block| (*origin, block)));
        }
    }

    fn move_on(&mut self, port: &mut impl Port<Tagged<B>>) -> Result<(), Lost> {
        let keeps = self.rotation.plan().keeps() == Keep::All;
        for way in self.rotation.plan().each_way() {
            let Some((got, block)) = port.take(*way, keeps) else { continue };
            let Some((at_hand, _)) = self.at_hand.get(way.index()) else { continue };
            let plan = self.rotation.plan();
            // A block comes from the side that it goes away from.
            let expected = plan.neighbour(*at_hand, if *way == Way::Up { Way::Down } else { Way::Up });
            if got != expected {
                return Err(Lost::Misrouted { host: self.rotation.host(), expected, got });
            }
            self.let_go(*way);
            self.at_hand[way.index()] = (got, Some(block));
        }
        Ok(())
    }

    /// Goes past computations with blocks that are not needed.
    fn pass_by(&mut self) {
        let Some(needs) = &self.needs else { return };
        while let Some(Next::Compute(way)) = self.rotation.next() {
            let origin = self.at_hand.get(way.index()).map(|(origin, _)| *origin);
            if origin.is_some_and(|origin| needs.get(origin).copied().unwrap_or_default()) {
                return;
            }
            self.rotation.done();
        }
    }
}
