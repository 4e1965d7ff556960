//! Rate limiters: the figures of the story, pinned; and as someone meets them who ships them.

mod hostile;
#[cfg(feature = "peers")]
mod peers;
mod recorded;

use counterpart::explore::{Budget, explore};
use counterpart_models::rate_limiter::curves::{WorstCase, rows};
use counterpart_models::rate_limiter::distributed::model::{Commands, Distributed};
use counterpart_models::rate_limiter::model::{Algorithm, Limiter};
use libtest_mimic::Trial;

use crate::claim;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = vec![
        claim("rate_limiter::the_worst_case_of_each_algorithm_is_what_the_story_says", worst_cases),
        claim("rate_limiter::a_sliding_counter_of_20_ticks_and_10_requests_admits_19", sliding_counter),
        claim("rate_limiter::what_is_drawn_as_one_is_one", alike),
        claim("rate_limiter::what_is_known_on_paper_is_what_the_models_give", on_paper),
        claim("rate_limiter::the_story_is_the_shortest_way_to_a_double_burst", story),
        claim("rate_limiter::get_then_increment_overshoots_by_the_other_clients", overshoot),
    ];
    trials.extend(hostile::trials());
    #[cfg(feature = "peers")]
    trials.extend(peers::trials());
    trials.extend(recorded::trials());
    trials
}

fn worst_cases() {
    let found: Vec<(usize, [u16; 4])> = rows()
        .into_iter()
        .map(|(_, model)| {
            let window = usize::from(model.window_ticks);
            let worst = WorstCase::of(&model, 2 * window);
            (worst.states, [1, 2, window, 2 * window].map(|ticks| worst.admitted[ticks]))
        })
        .collect();
    let told = vec![
        (26, [4, 8, 8, 12]),
        (21, [4, 7, 7, 11]),
        (26, [4, 8, 8, 12]),
        (126, [4, 4, 4, 8]),
        (91, [4, 4, 6, 10]),
        (11, [4, 4, 7, 11]),
        (8, [4, 4, 7, 11]),
        (2, [1, 1, 4, 8]),
    ];
    assert_eq!(found, told);
}

fn sliding_counter() {
    let worst = WorstCase::of(&Limiter::of(Algorithm::SlidingCounter, 20, 10), 20);
    assert_eq!(worst.admitted[20], 19);
}

/// In the picture of the curves they are one line.
fn alike() {
    let curve = |model| WorstCase::of(&model, 16).admitted;
    let of = |algorithm| Limiter::of(algorithm, 8, 4);
    assert_eq!(curve(of(Algorithm::FixedWindow)), curve(of(Algorithm::CoarseRefill)));
    assert_eq!(curve(of(Algorithm::TokenBucket)), curve(Limiter::gcra(8, 2, 4)));
}

/// The closed forms, which the monitored models are held against, and the graph, which knows nothing of them.
fn on_paper() {
    for window in 2..=8 {
        for limit in 1..=window.min(5) {
            let mut models: Vec<Limiter> =
                Algorithm::ALL[..6].iter().map(|algorithm| Limiter::of(*algorithm, window, limit)).collect();
            models.push(Limiter { burst: limit + 2, ..Limiter::of(Algorithm::CoarseRefill, window, limit) });
            // A burst of one may be full between two ticks, and loses what comes until the second: the form is a bound
            // then.
            models.push(Limiter { burst: 2, ..Limiter::of(Algorithm::TokenBucket, window, limit) });
            if window % limit == 0 {
                models.extend((1..=limit + 1).map(|burst| Limiter::gcra(window, window / limit, burst)));
            }
            for model in models {
                let ticks_max = 2 * window;
                let worst = WorstCase::of(&model, ticks_max.into());
                let told: Vec<u16> = (1..=ticks_max).map(|ticks| model.curve(ticks)).collect();
                assert_eq!(worst.admitted[1..], told, "{model:?}");
            }
        }
    }
}

fn story() {
    let case = counterpart_models::rate_limiter::cases().remove(0);
    assert_eq!(case.name(), "rate_limiter/boundary_burst_2am");
    let (report, _) = case.run(&counterpart::check::Options::default());
    let steps =
        |name: &str| report.properties.iter().find(|property| property.name == name).and_then(|found| found.steps);
    // Five ticks, the limit, a tick, the limit.
    assert_eq!(steps("two neighbouring ticks admit less than twice the limit"), Some(5 + 4 + 1 + 4));
    // One more than the limit is enough for the promise of any window: six ticks and five requests.
    assert_eq!(steps("any window admits at most the limit"), Some(6 + 5));
}

fn overshoot() {
    for clients in 1..=4 {
        let most = |commands| {
            let model = Distributed { clients, limit: 2, window_ticks: 2, crashes_max: 1, commands };
            let graph = explore(model.into(), &Budget::default()).expect("it can be explored");
            graph.states().iter().map(|state| state.admitted).max()
        };
        assert_eq!(most(Commands::GetThenIncrement), Some(2 + clients - 1), "{clients} clients");
        for atomic in [Commands::Script, Commands::IncrementThenExpireIfNone, Commands::IncrementThenExpire] {
            assert_eq!(most(atomic), Some(2), "{atomic:?} of {clients} clients");
        }
    }
}
