//! How to use this crate, page by page: from a model of forty lines to a trace of what an implementation does wrong.
//!
//! The pages follow one example, a bridge of one lane. Every piece of code in them is a test of this crate.
//!
//! 1. [`problem`]: what a model is for.
//! 2. [`model`]: a first model, explored.
//! 3. [`properties`]: promises of whole runs, and the fairness they need.
//! 4. [`binding`]: an implementation beside the model, and which mode to choose.
//! 5. [`trace`]: how to read what is printed, and to run it again.
//! 6. [`limits`]: what a pass does not show, and what to do when states are too many.
//! 7. [`glossary`]: the words, each in a sentence.
//!
//! Who would rather begin with something that runs lets the command `counterpart new NAME` write it.

#[doc = include_str!("guide/problem.md")]
pub mod problem {}

#[doc = include_str!("guide/model.md")]
#[doc = "```"]
#[doc = include_str!("guide/bridge.txt")]
#[doc = "\nlet report = Check::of(Bridge { looks: true }).run();"]
#[doc = "assert_eq!((report.cases[0].states, report.as_expected), (12, true));"]
#[doc = "```"]
#[doc = include_str!("guide/model_after.md")]
pub mod model {}

#[doc = include_str!("guide/properties.md")]
pub mod properties {}

#[doc = include_str!("guide/binding.md")]
pub mod binding {}

#[doc = include_str!("guide/trace.md")]
#[doc = "```text"]
#[doc = include_str!("guide/shown.txt")]
#[doc = "```"]
#[doc = include_str!("guide/trace_after.md")]
pub mod trace {}

#[doc = include_str!("guide/limits.md")]
pub mod limits {}

#[doc = include_str!("guide/glossary.md")]
pub mod glossary {}
