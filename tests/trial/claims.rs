//! A trial of libtest-mimic is a claim and a closure; how it fails is told once, with its trial.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use libtest_mimic::{Failed, Trial};

thread_local! {
    /// Where the last panic of this thread was raised.
    static RAISED_AT: RefCell<String> = const { RefCell::new(String::new()) };
}

/// A trial that fails when `test` panics, with the panic's words and place.
pub(crate) fn claim(name: impl Into<String>, test: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, move || {
        catch_unwind(AssertUnwindSafe(test)).map_err(|panic| {
            let words = panic.downcast_ref::<String>().cloned();
            let words = words.or_else(|| panic.downcast_ref::<&str>().map(|words| (*words).to_string()));
            let place = RAISED_AT.with_borrow(String::clone);
            Failed::from(format!("{}\n(at {place})", words.unwrap_or_else(|| "a panic without words".into())))
        })
    })
}

/// Every panic is told once, with its trial: the hook only remembers where it was.
pub(crate) fn remember_panics() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        RAISED_AT.with_borrow_mut(|at| *at = place);
    }));
}
