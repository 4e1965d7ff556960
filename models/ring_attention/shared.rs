//! What hosts share: the inboxes of neighbours behind locks, and a host that goes through its lap on the thread that
//! calls it.
//!
//! Compiled three times: with the locks of the standard library, with loom's, and with those of a turnstile, which sees
//! who waits.

use std::sync::PoisonError;
use std::task::Poll;

use super::implementation::{Gone, Inbox, Landing, Lap, Lost, Next, Port, Step, Tagged, Way};
use super::sync::{Arc, Condvar, Mutex, MutexGuard};

/// An inbox, and who waits for it to change.
#[derive(Debug)]
struct Guarded<T> {
    inbox: Mutex<Inbox<T>>,
    changed: Condvar,
}

impl<T> Guarded<T> {
    fn lock(&self) -> MutexGuard<'_, Inbox<T>> {
        // No panic leaves it half changed.
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<R>(&self, change: impl FnOnce(&mut Inbox<T>) -> R) -> R {
        let result = change(&mut self.lock());
        self.changed.notify_all();
        result
    }

    /// Waits until `ready` has a result.
    fn wait<R>(&self, mut ready: impl FnMut(&mut Inbox<T>) -> Poll<R>) -> R {
        let mut inbox = self.lock();
        loop {
            if let Poll::Ready(result) = ready(&mut inbox) {
                return result;
            }
            inbox = self.changed.wait(inbox).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// A host's own inbox and those of its neighbours, seen from outside. It keeps them, and does not keep them open.
#[derive(Debug)]
pub struct Handle<T> {
    own: Arc<Guarded<T>>,
    /// For each way the inbox that it leads to.
    neighbours: Vec<(Way, Arc<Guarded<T>>)>,
}

impl<T> Clone for Handle<T> {
    fn clone(&self) -> Self {
        Handle { own: self.own.clone(), neighbours: self.neighbours.clone() }
    }
}

impl<T> Handle<T> {
    /// Blocks that the host holds now, those that wait for it counted.
    pub fn held(&self) -> usize {
        self.own.lock().held()
    }

    /// The most that it ever held.
    pub fn held_max(&self) -> usize {
        self.own.lock().held_max()
    }

    /// A copy of what has come that way and is not at hand yet.
    pub fn landed(&self, way: Way) -> Option<T>
    where
        T: Clone,
    {
        self.own.lock().landed(way).cloned()
    }

    /// Takes the host's ends away, from whatever thread: as a crash does.
    pub fn sever(&self) {
        self.own.change(Inbox::sever_receiver);
        for (way, inbox) in &self.neighbours {
            inbox.change(|inbox| inbox.sever_sender(*way));
        }
    }

    fn neighbour(&self, way: Way) -> Result<&Guarded<T>, Gone> {
        self.neighbours.iter().find(|(leads, _)| *leads == way).map(|(_, inbox)| &**inbox).ok_or(Gone)
    }
}

/// The ends themselves. Dropped, they let the neighbours know.
#[derive(Debug)]
pub struct Ends<T> {
    of: Handle<T>,
    /// What is known for each way since the last time that the inbox was locked, which need not be asked again.
    known: [Known; 2],
}

#[derive(Clone, Copy, Debug, Default)]
struct Known {
    taken: bool,
    given: bool,
}

impl<T> Port<T> for Ends<T> {
    fn post(&mut self, way: Way, block: &mut Option<T>) -> Poll<Result<(), Gone>> {
        let posted = self.of.neighbour(way).map(|inbox| {
            let taken = inbox.wait(|inbox| inbox.post(way, block).map(|()| inbox.taken(way)));
            inbox.changed.notify_all();
            taken == Poll::Ready(Ok(()))
        });
        Poll::Ready(posted.map(|taken| self.known[way.index()].taken = taken))
    }

    fn taken(&mut self, way: Way) -> Poll<Result<(), Gone>> {
        if self.known[way.index()].taken {
            return Poll::Ready(Ok(()));
        }
        Poll::Ready(self.of.neighbour(way).and_then(|inbox| inbox.wait(|inbox| inbox.taken(way))))
    }

    fn ask(&mut self, way: Way, landing: Landing) {
        let given = self.of.own.change(|inbox| {
            inbox.ask(way, landing);
            inbox.given(way)
        });
        self.known[way.index()].given = given == Poll::Ready(Ok(()));
    }

    fn given(&mut self, way: Way) -> Poll<Result<(), Gone>> {
        if self.known[way.index()].given {
            return Poll::Ready(Ok(()));
        }
        Poll::Ready(self.of.own.wait(|inbox| inbox.given(way)))
    }

    fn take(&mut self, way: Way, keeps: bool) -> Option<T> {
        self.of.own.lock().take(way, keeps)
    }
}

impl<T> Drop for Ends<T> {
    fn drop(&mut self) {
        self.of.sever();
    }
}

/// One host, which waits where a neighbour is not so far.
#[derive(Debug)]
pub struct Host<B> {
    lap: Lap<B>,
    ends: Ends<Tagged<B>>,
}

impl<B: Clone> Host<B> {
    /// How far it is.
    pub fn progress(&self) -> &Lap<B> {
        &self.lap
    }

    /// Its ends, seen from outside.
    pub fn handle(&self) -> Handle<Tagged<B>> {
        self.ends.of.clone()
    }

    /// Does what is next, and says what it was, `None` at the end; `compute` is given a block and whose it is.
    ///
    /// # Errors
    /// A neighbour is gone, or a wrong block came.
    pub fn step(&mut self, compute: impl FnOnce(usize, &mut B)) -> Result<Option<Next>, Lost> {
        match self.lap.step(&mut self.ends, compute)? {
            Step::Did(next) | Step::Waits(next) => Ok(Some(next)),
            Step::Over => Ok(None),
        }
    }

    /// Goes through the whole lap, and gives it back as it is then.
    ///
    /// # Errors
    /// A neighbour is gone, or a wrong block came.
    pub fn lap(mut self, mut compute: impl FnMut(usize, &mut B)) -> Result<Lap<B>, Lost> {
        while self.step(&mut compute)?.is_some() {}
        Ok(self.lap)
    }
}

/// The hosts of a ring, connected; `laps` are theirs, in order.
pub fn connect<B: Clone>(laps: Vec<Lap<B>>) -> Vec<Host<B>> {
    let capacity = laps.first().map_or(0, |lap| lap.rotation().plan().capacity());
    connect_by(capacity, laps)
}

/// The same over channels of another capacity than the plan's, which may come to a standstill.
pub fn connect_by<B: Clone>(capacity: usize, laps: Vec<Lap<B>>) -> Vec<Host<B>> {
    let inbox = |lap: &Lap<B>| {
        let plan = lap.rotation().plan();
        let inbox = Inbox::new(capacity, plan.each_way().len(), plan.at_hand());
        Arc::new(Guarded { inbox: Mutex::new(inbox), changed: Condvar::new() })
    };
    let inboxes: Vec<_> = laps.iter().map(inbox).collect();
    let connected = |(lap, own): (Lap<B>, &Arc<Guarded<Tagged<B>>>)| {
        let (plan, number) = (*lap.rotation().plan(), lap.rotation().host());
        let to = |way: &Way| Some((*way, inboxes.get(plan.neighbour(number, *way))?.clone()));
        let neighbours = plan.each_way().iter().filter_map(to).collect();
        Host { lap, ends: Ends { of: Handle { own: own.clone(), neighbours }, known: Default::default() } }
    };
    laps.into_iter().zip(&inboxes).map(connected).collect()
}
