//! Every case of the catalogue gives the verdicts that are expected of it.

use counterpart::check::Options;
use counterpart::report::Report;
use libtest_mimic::Trial;

use crate::claim;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for case in counterpart_models::catalogue().into_iter().filter(|case| !case.is_large()) {
        let name = format!("catalogue::{}", case.name());
        trials.push(claim(name, move || {
            let (report, not_run) = case.run(&Options::default());
            Report::new(vec![report], not_run).assert();
        }));
    }
    trials
}
