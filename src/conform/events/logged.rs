//! A subject that says what it does: each call a span of `tracing`, to be judged as events.

use std::sync::{PoisonError, RwLock};

use tracing::Span;

use crate::model::{Interface, Shared};

/// How the calls of an implementation are recorded; what [`LogReader`](super::LogReader) reads back.
pub trait LogWriter<F: Interface>: Send + Sync {
    /// The span of a call that begins, with the fields that are known then.
    fn begins(&self, input: &F::Input) -> Span;

    /// Records into the span what was answered.
    fn ends(&self, span: &Span, output: &F::Output);

    /// Whether `input` moves the clock: no call is then inside.
    fn moves_time(&self, input: &F::Input) -> bool;
}

/// An implementation whose calls are recorded, for as many threads as there are.
///
/// Time stands still while a call is inside: a caller that is interrupted between reading the clock and the call would
/// bring it the time of before.
pub struct Logged<S, W> {
    subject: S,
    writer: W,
    time: RwLock<()>,
}

impl<S, W> Logged<S, W> {
    /// Wraps `subject`, whose calls `writer` records from now on.
    pub fn new(subject: S, writer: W) -> Self {
        Logged { subject, writer, time: RwLock::new(()) }
    }

    /// Runs `look` on the subject while time stands still: what an operator reads off between calls.
    pub fn look<R>(&self, look: impl FnOnce(&S) -> R) -> R {
        let _standing = self.time.read().unwrap_or_else(PoisonError::into_inner);
        look(&self.subject)
    }
}

impl<F: Interface, S: Shared<F>, W: LogWriter<F>> Shared<F> for Logged<S, W> {
    fn call(&self, input: &F::Input) -> F::Output {
        let span = self.writer.begins(input);
        let output = if self.writer.moves_time(input) {
            let _moving = self.time.write().unwrap_or_else(PoisonError::into_inner);
            self.subject.call(input)
        } else {
            self.look(|subject| subject.call(input))
        };
        self.writer.ends(&span, &output);
        output
    }

    fn observe(&self) -> Option<F::Snapshot> {
        self.look(S::observe)
    }
}
