//! Recording: a `tracing` layer that writes down what a running implementation does.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread::{self, ThreadId};

use serde_json::{Value, json};
use tracing::field::{Field, Visit};
use tracing::{Dispatch, Metadata, Subscriber, dispatcher, span};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};

use super::event::{Event, Fields};
use super::log::{Log, Recorded};
use crate::conform::drive::quietly;
use crate::explore::panic_message;

/// The field that names the actor, where it is not the thread.
const ACTOR: &str = "actor";

/// The field in which `tracing` passes an event's text.
const MESSAGE: &str = "message";

/// What an implementation records through `tracing`.
///
/// A span is an interval, from when it is made to when it is closed: make it before the call, give it fields when they
/// are known, and drop it after. An event is taken to happen as its effect does, so it belongs where the effect cannot
/// be overtaken, under the lock. A field called `actor` says who it was; without one it is the thread, by its name or
/// number.
///
/// What is recorded goes through one lock, which orders the threads it records: a race may hide for being watched.
///
/// ```
/// use counterpart::conform::events::EventLog;
///
/// let log = EventLog::of("lamp");
/// log.here(|| {
///     let switching = tracing::info_span!(target: "lamp", "switch", by = "her", lit = tracing::field::Empty);
///     switching.record("lit", true);
/// });
/// let recorded = log.recorded();
/// assert_eq!(recorded.events()[0].event.to_string(), "switch by=her lit=true");
/// ```
#[derive(Clone)]
pub struct EventLog {
    target: Arc<str>,
    recording: Arc<Mutex<Recording>>,
}

#[derive(Default)]
struct Recording {
    next: u64,
    events: Vec<Recorded>,
    /// Threads without a name, in the order they were met.
    threads: HashMap<ThreadId, usize>,
}

impl Recording {
    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Writes down that something begins. Returns its place.
    fn begin(&mut self, name: &str, mut fields: Fields) -> usize {
        let begin = self.number();
        let actor = match fields.remove(ACTOR) {
            Some(Value::String(actor)) => actor,
            Some(other) => other.to_string(),
            None => self.thread(),
        };
        self.events.push(Recorded { begin, end: None, event: Event { actor, name: name.into(), fields } });
        self.events.len() - 1
    }

    fn thread(&mut self) -> String {
        let thread = thread::current();
        if let Some(name) = thread.name() {
            return name.to_string();
        }
        let known = self.threads.len();
        format!("thread {}", self.threads.entry(thread.id()).or_insert(known))
    }
}

impl EventLog {
    /// An empty log that records spans and events whose target is `target`.
    pub fn of(target: impl Into<String>) -> Self {
        EventLog { target: target.into().into(), recording: Arc::default() }
    }

    /// A layer that records into this log. It leaves what is of other targets to other layers.
    pub fn layer<S: Subscriber + for<'span> LookupSpan<'span>>(&self) -> impl Layer<S> + use<S> {
        let target = self.target.clone();
        let ours = move |metadata: &Metadata<'_>| *metadata.target() == *target;
        Recorder { recording: self.recording.clone() }.with_filter(filter_fn(ours))
    }

    /// A subscriber that only records into this log.
    pub fn dispatch(&self) -> Dispatch {
        Dispatch::new(Registry::default().with(self.layer()))
    }

    /// Runs `call` so that what this thread does in it is recorded. Threads that it starts need the same.
    pub fn here<T>(&self, call: impl FnOnce() -> T) -> T {
        dispatcher::with_default(&self.dispatch(), call)
    }

    /// Runs each of `threads`, a name and what it does, on a thread of its own; all begin at once, and all are
    /// recorded.
    ///
    /// # Panics
    /// If a thread cannot be started, or panics: with the name of the first of them that did, and its words.
    pub fn on_threads<'work>(&self, threads: impl IntoIterator<Item = (String, Box<dyn FnOnce() + Send + 'work>)>) {
        // Held while they are started. One that does not start releases the others, since this unwinds.
        let gate = &RwLock::new(());
        let panicked = thread::scope(|scope| {
            let closed = gate.write().unwrap_or_else(PoisonError::into_inner);
            let mut started = Vec::new();
            for (name, work) in threads {
                let spawned = thread::Builder::new().name(name.clone()).spawn_scoped(scope, move || {
                    drop(gate.read().unwrap_or_else(PoisonError::into_inner));
                    quietly(|| self.here(work))
                });
                started.push((name, spawned.expect("a thread can be started")));
            }
            drop(closed);
            // `quietly` catches all but a panic in dropping what was panicked with.
            let ended = started.into_iter().map(|(name, thread)| (name, thread.join()));
            let words =
                ended.map(|(name, ended)| (name, ended.unwrap_or_else(|dropped| Err(panic_message(&*dropped)))));
            words.filter_map(|(name, ended)| Some((name, ended.err()?))).next()
        });
        if let Some((name, words)) = panicked {
            panic!("thread {name} panicked: {words}");
        }
    }

    /// What was recorded so far, in the order of begins. A span that is still open has no end.
    pub fn recorded(&self) -> Log {
        Log::new(self.recording().events.clone())
            .expect("numbers that are counted are in order and none is there twice")
    }

    fn recording(&self) -> MutexGuard<'_, Recording> {
        self.recording.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Recorder {
    recording: Arc<Mutex<Recording>>,
}

/// Where a span's event stands in the recording.
struct Place(usize);

impl Recorder {
    fn recording(&self) -> MutexGuard<'_, Recording> {
        self.recording.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Subscriber + for<'span> LookupSpan<'span>> Layer<S> for Recorder {
    fn on_new_span(&self, attributes: &span::Attributes<'_>, id: &span::Id, context: Context<'_, S>) {
        let mut fields = Seen::default();
        attributes.record(&mut fields);
        let Some(span) = context.span(id) else { return };
        let place = self.recording().begin(attributes.metadata().name(), fields.0);
        span.extensions_mut().insert(Place(place));
    }

    fn on_record(&self, id: &span::Id, values: &span::Record<'_>, context: Context<'_, S>) {
        let mut fields = Seen::default();
        values.record(&mut fields);
        let Some(span) = context.span(id) else { return };
        if let Some(Place(place)) = span.extensions().get::<Place>() {
            self.recording().events[*place].event.fields.extend(fields.0);
        }
    }

    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let mut fields = Seen::default();
        event.record(&mut fields);
        let name = match fields.0.remove(MESSAGE) {
            Some(Value::String(message)) => message,
            _ => event.metadata().name().to_string(),
        };
        let mut recording = self.recording();
        let place = recording.begin(&name, fields.0);
        recording.events[place].end = Some(recording.events[place].begin);
    }

    fn on_close(&self, id: span::Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        if let Some(Place(place)) = span.extensions().get::<Place>() {
            let mut recording = self.recording();
            let end = recording.number();
            recording.events[*place].end = Some(end);
        }
    }
}

/// Fields as JSON. What `tracing` knows only by its `Debug` is text.
#[derive(Default)]
struct Seen(Fields);

impl Seen {
    fn insert(&mut self, field: &Field, value: Value) {
        self.0.insert(field.name().to_string(), value);
    }
}

impl Visit for Seen {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.insert(field, json!(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.insert(field, json!(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.insert(field, json!(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.insert(field, json!(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.insert(field, json!(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.insert(field, json!(value));
    }
}
