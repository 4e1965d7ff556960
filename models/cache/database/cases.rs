//! The cases of this sub-model.

use counterpart::Case;

use super::check;
use super::model::{Database, Policy};
use super::properties::{ANSWERED, RATIO};

/// The run of the story, and the ratio that holds in it.
pub fn story() -> Database {
    Database::shop(Policy::Naive).flash(1)
}

/// The cases of this sub-model: the table of policies by length of the flash sale, and what else bears on it.
pub fn cases() -> Vec<Case> {
    let case = |name: &str, model: Database, collapses: bool| {
        let check = check(model);
        Case::new(format!("cache/{name}"), if collapses { check.violates(ANSWERED) } else { check })
    };
    let shop = Database::shop;
    vec![
        case("collapse_at_99_percent", story(), true),
        case("naive_without_flash", shop(Policy::Naive), false),
        case("naive_two_flash_ticks", shop(Policy::Naive).flash(2), true),
        case("cancel_queued_without_flash", shop(Policy::CancelQueued), false),
        case("cancel_queued", shop(Policy::CancelQueued).flash(1), true),
        case("cancel_queued_two_flash_ticks", shop(Policy::CancelQueued).flash(2), true),
        case("fill_late_without_flash", shop(Policy::FillLate), false),
        case("fill_late", shop(Policy::FillLate).flash(1), false),
        case("fill_late_two_flash_ticks", shop(Policy::FillLate).flash(2), false),
        case("single_flight_without_flash", shop(Policy::SingleFlight), false),
        case("single_flight", shop(Policy::SingleFlight).flash(1), false),
        case("single_flight_two_flash_ticks", shop(Policy::SingleFlight).flash(2), false),
        case("load_shedding", shop(Policy::Shed).flash(2), false),
        // The guard: with these bounds it is overload and no flash sale is needed. Those of the shop are not of this
        // kind.
        case("mere_overload", Database { deadline_ticks: 3, ttl_ticks: 6, ..shop(Policy::Naive) }, true),
        // The ratio is no law of nature: with fewer cheap hits the same misses are seen in it.
        Case::new(
            "cache/ratio_with_fewer_cheap_hits",
            check(Database { cheap_hits: 40, ..shop(Policy::FillLate) }).violates(RATIO),
        ),
        Case::new("cache/fill_late_three_keys", check(Database { keys: 3, ..shop(Policy::FillLate) }.flash(2))).large(),
    ]
}
