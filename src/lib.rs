//! A model-checking test harness: a protocol is written once as a state machine (`stateright::Model`),
//! explored exhaustively, and concrete implementations run alongside to check that they do what the model does.
//!
//! # The problem
//! A test tries a few orders of events. The order that breaks a circuit breaker, a limiter or a cache is one that
//! nobody thought of: a result that arrives after the breaker reopened, a caller that is cancelled while it holds
//! the last permit.
//!
//! [`guide`] goes through all of it, page by page; its last pages are [what a pass does not show](guide::limits) and a
//! [glossary](guide::glossary).
//!
//! # Writing a check
//! A model needs nothing of ours to be explored; [`Check`] is the one entry and [`Report`](report::Report) the one
//! result.
//! ```
//! use counterpart::Check;
//! use stateright::{Model, Property};
//!
//! /// A light that may be switched, at most `max` times.
//! #[derive(Clone, Debug)]
//! struct Light { max: u8 }
//!
//! impl Model for Light {
//!     type State = (bool, u8);
//!     type Action = bool;
//!     fn init_states(&self) -> Vec<Self::State> { vec![(false, 0)] }
//!     fn actions(&self, _: &Self::State, actions: &mut Vec<bool>) { actions.extend([true, false]) }
//!     fn next_state(&self, (lit, switched): &Self::State, to: bool) -> Option<Self::State> {
//!         (*lit != to && *switched < self.max).then_some((to, switched + 1))
//!     }
//!     fn properties(&self) -> Vec<Property<Self>> {
//!         vec![Property::always("switched at most max times", |light: &Light, (_, switched)| *switched <= light.max)]
//!     }
//! }
//!
//! Check::of(Light { max: 3 }).assert();
//! ```
//! What a model promises of whole runs (eventually, leads to, infinitely often …), and under which fairness, stands in
//! a [`Spec`]: [`Temporal`] has an example. So does what it promises of outcomes that are drawn: see
//! [`Temporal::almost_surely`], [`Temporal::probability`] and [`Temporal::reward`]. stateright's own `eventually`
//! properties are judged as well, on every run and under no fairness.
//!
//! To check an implementation, say once what the outside sees of the model ([`Interface`]) and bind the implementation
//! to that ([`Counterpart`], or [`Shared`] for one that threads share). The same binding then serves every
//! conformance mode: [`Check::product`], [`Check::tour`], [`Check::walk`](Check) and [`Check::interleave`](Check). What
//! cannot be driven can be watched: [`Check::events`] judges the log of a run.
//!
//! # What a pass shows, and what it does not
//! A verdict is [`Holds`](verdict::Verdict::Holds), [`Violated`](verdict::Verdict::Violated) or
//! [`Incomplete`](verdict::Verdict::Incomplete), and the last is never a pass. `Holds` speaks of the model within the
//! bounds that are its fields; an implementation *conforms* when every transition of that bounded model was driven
//! through it and answered as the model allows. Neither speaks of larger bounds, nor of what the model abstracts away.
//!
//! # Features
//! None is on by default, and each only adds.
//!
//! | feature | adds |
//! |---|---|
//! | `walk` | seeded long walks, shrunk (`Check::walk`; `lockstep` then walks too) |
//! | `interleave` | threads through every interleaving, by loom |
//! | `events` | a layer of `tracing` that records a log |
//! | `edn` | histories in EDN, as Jepsen writes them |
//! | `virtual-clock` | a settable clock for code that reads the system's; Linux only |
//! | `cluster` | exploring in several processes, on several machines |
//! | `picture` | pictures as SVG |
//! | `cli` | the command line over a catalogue of cases |
//!
//! Types of others in what is public: stateright's `Model` and its actors, and `serde_json`'s `Value`. With the feature
//! `events` also those of `tracing` that a layer is hung into.
//!
//! # Floors
//! A module imports only from modules above it in this list (a test reads the sources to see that it is so).
//!
//! | module | holds |
//! |---|---|
//! | [`trace`] | the trace file format; knows neither models nor engines |
//! | [`model`] | what a user says beside a `stateright::Model`: [`Spec`], [`Interface`], bindings |
//! | [`explore`] | the graph engine, and stateright's BFS as its referee |
//! | [`verdict`] | properties judged on the graph: states, fair runs, traps; what is drawn; valency |
//! | [`conform`] | implementations judged against the graph |
//! | [`report`] | the results as data |
//! | [`view`] | data to text; no input or output |
//! | [`check`] | [`Check`] and [`Case`]: what is explored, driven and expected |
//! | `cli` | arguments, files, clock, progress, exit code (feature `cli`) |
//! | [`guide`] | pages that teach all this, with tests for code |

#![warn(clippy::missing_errors_doc, clippy::return_self_not_must_use)]

#[cfg(feature = "cli")]
pub mod cli;

#[warn(missing_debug_implementations)]
pub mod check;
pub mod conform;
#[warn(missing_debug_implementations)]
pub mod explore;
pub mod guide;
#[warn(missing_debug_implementations)]
pub mod model;
#[warn(missing_debug_implementations)]
pub mod report;
#[warn(missing_debug_implementations)]
pub mod trace;
#[warn(missing_debug_implementations)]
pub mod verdict;
#[warn(missing_debug_implementations)]
pub mod view;

pub use check::{Case, Check};
pub use model::{Counterpart, FairKey, Interface, Shared, Spec, Temporal};
