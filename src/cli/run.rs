//! Cases run side by side, each on one of the threads.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::ProgressBar;

use crate::check::{Case, Options};
use crate::explore::Stop;
use crate::report::{CaseReport, NotRun};

/// What came of a case: its report and what it did not run, or the words of a panic.
pub(super) type RanCase = Result<(CaseReport, Vec<NotRun>), String>;

/// Runs cases by `run` on as many threads as the options say, and hands over what came of them, and how long it took by the
/// clock, in the catalogue's order. A case whose turn comes after the user asked to end is not run. `bar` names the
/// case that has been waited for longest.
pub(super) fn side_by_side<'a>(
    cases: &[&'a Case],
    options: &Options,
    bar: &ProgressBar,
    run: impl Fn(&Case, &Options) -> (CaseReport, Vec<NotRun>) + Sync,
    mut done: impl FnMut(&'a Case, RanCase, Duration),
) {
    let next = AtomicUsize::new(0);
    let under_way = Mutex::new(BTreeSet::new());
    let running = |change: &dyn Fn(&mut BTreeSet<usize>)| {
        let mut under_way = under_way.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut under_way);
        bar.set_message(under_way.first().map(|first| cases[*first].name().to_string()).unwrap_or_default());
    };
    std::thread::scope(|scope| {
        let (sender, receiver) = std::sync::mpsc::channel();
        for _ in 0..options.budget.threads.min(cases.len()) {
            let (sender, next, running, run) = (sender.clone(), &next, &running, &run);
            scope.spawn(move || {
                while let Some((index, case)) = take_turn(cases, next)
                    && (options.budget.interrupt)() != Some(Stop::Interrupted)
                {
                    running(&|under_way| _ = under_way.insert(index));
                    let began = Instant::now();
                    let ran = catch_unwind(AssertUnwindSafe(|| run(case, options)));
                    let ran = ran.map_err(|panic| {
                        let message = crate::explore::panic_message(&*panic);
                        format!("{}: this is a defect, of the model or of counterpart: {message}", case.name())
                    });
                    running(&|under_way| _ = under_way.remove(&index));
                    bar.inc(1);
                    // The receiver outlives the threads of this scope.
                    let _ = sender.send((index, case, ran, began.elapsed()));
                }
            });
        }
        drop(sender);
        let mut waiting = BTreeMap::new();
        let mut turn = 0;
        for (index, case, ran, took) in receiver {
            waiting.insert(index, (case, ran, took));
            while let Some((case, ran, took)) = waiting.remove(&turn) {
                turn += 1;
                done(case, ran, took);
            }
        }
        // After an interrupt there may be gaps.
        waiting.into_values().for_each(|(case, ran, took)| done(case, ran, took));
    });
}

fn take_turn<'a>(cases: &[&'a Case], next: &AtomicUsize) -> Option<(usize, &'a Case)> {
    let index = next.fetch_add(1, Ordering::SeqCst);
    cases.get(index).map(|case| (index, *case))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::{Arc, Mutex};
    use std::time::{Duration, Instant};

    use indicatif::ProgressBar;
    use stateright::Model;

    use super::side_by_side;
    use crate::check::{Case, Check, Options};

    /// What is known of all cases: which have begun, and what the bar said to the first of them while the others ran.
    #[derive(Clone)]
    struct Together {
        bar: ProgressBar,
        begun: Arc<Mutex<BTreeSet<&'static str>>>,
        said: Arc<Mutex<Vec<String>>>,
    }

    /// One state, which is there when it is this case's turn.
    #[derive(Clone)]
    struct Waits {
        name: &'static str,
        together: Together,
    }

    impl Waits {
        /// The first waits until one has ended and another runs; that other one, until the first has looked at the bar.
        fn may_go_on(&self) -> bool {
            let Together { bar, begun, said } = &self.together;
            match self.name {
                "slow" => bar.position() >= 1 && begun.lock().expect("nobody panics").contains("late"),
                "late" => !said.lock().expect("nobody panics").is_empty(),
                _ => true,
            }
        }
    }

    impl Model for Waits {
        type State = ();
        type Action = ();

        fn init_states(&self) -> Vec<()> {
            let began = Instant::now();
            self.together.begun.lock().expect("nobody panics").insert(self.name);
            while !self.may_go_on() {
                assert!(began.elapsed() < Duration::from_secs(60), "{} waits for ever", self.name);
                std::thread::yield_now();
            }
            if self.name == "slow" {
                self.together.said.lock().expect("nobody panics").push(self.together.bar.message());
            }
            vec![()]
        }

        fn actions(&self, (): &(), _: &mut Vec<()>) {}

        fn next_state(&self, (): &(), (): ()) -> Option<()> {
            None
        }
    }

    #[test]
    fn a_bar_counts_what_has_ended_and_names_what_has_been_waited_for_longest() {
        let together = Together { bar: ProgressBar::hidden(), begun: Arc::default(), said: Arc::default() };
        let waits = |name| Waits { name, together: together.clone() };
        let cases = ["slow", "quick", "late"].map(|name| Case::new(format!("toy/{name}"), Check::of(waits(name))));
        let mut options = Options::default();
        options.budget.threads = 2;
        let mut order = Vec::new();
        let of_cases: Vec<&Case> = cases.iter().collect();
        side_by_side(&of_cases, &options, &together.bar, Case::run, |case, ran, _| {
            order.push((case.name(), ran.is_ok()))
        });
        assert_eq!(order, [("toy/slow", true), ("toy/quick", true), ("toy/late", true)], "in the catalogue's order");
        let said = together.said.lock().expect("nobody panics").clone();
        assert!(!said.is_empty() && said.iter().all(|named| named == "toy/slow"), "{said:?}");
        assert_eq!(together.bar.position(), 3);
    }
}
