//! Probabilities and expected rewards: PRISM's published figures, processes small enough to know the truth of, and many
//! random ones whose truth is told by going through every policy.

mod coin;
mod fair;
mod kinds;
mod rounding;
mod toy;

use std::sync::Arc;

use counterpart::explore::{Budget, Stop, explore};
use counterpart::verdict::probability::{Bounds, Extreme, Mdp, MdpError, Precision};
use libtest_mimic::Trial;
use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::{Rng, SeedableRng};

use self::coin::{Coin, CoinSpec, Shared};
use self::toy::{Options, Process, REFUSED, by_policies};
use crate::claim;
use crate::toy::At;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        claim("probability::coin2_is_as_large_as_prism_says", coin_sizes),
        claim("probability::coin2_has_prism_s_probabilities_and_rewards", coin_values),
        claim("probability::coin2_ends_almost_surely_and_agrees_only_probably", coin_surely),
        claim("probability::a_fair_coin_shows_heads_almost_surely_in_two_flips", heads),
        claim("probability::a_scheduler_that_can_avoid_the_goal_is_shown", avoided),
        claim("probability::an_end_component_does_not_stop_the_upper_bound", end_component),
        claim("probability::going_round_for_nothing_does_not_make_the_least_reward_nothing", free_loop),
        claim("probability::slow_convergence_is_not_taken_for_the_end", slow),
        claim("probability::gambler_s_ruin_has_its_closed_form", ruin),
        claim("probability::what_is_refused_stays_and_what_is_unforced_may_stay", staying),
        claim("probability::what_is_cut_or_has_no_weight_makes_no_process", refused),
        claim("probability::bounds_of_an_interrupted_iteration_are_sound", interrupted),
        claim("probability::random_processes_agree_with_going_through_every_policy", agreement),
        claim("probability::coin2_has_its_closed_forms_for_larger_bounds", coin::larger),
        claim("probability::sums_are_rounded_outwards", rounding::sums),
        claim("probability::an_upper_bound_that_is_guessed_is_one", rounding::guess),
        claim("probability::fair_components_are_those_found_by_trying_all", fair::agreement),
    ]
    .into_iter()
    .chain(kinds::trials())
    .collect()
}

const WIDTH: f64 = 1e-9;

#[track_caller]
fn near(bounds: Bounds, value: f64, tolerance: f64) {
    assert!(bounds.width() <= WIDTH * value.max(1.0), "{bounds:?} are too far apart");
    let inside = bounds.lower - tolerance <= value && value <= bounds.upper + tolerance;
    assert!(inside || bounds.middle() == value, "{value} is not within {bounds:?}");
}

fn goal(mdp: &Mdp, nodes: &[usize]) -> Vec<bool> {
    (0..mdp.node_count()).map(|node| nodes.contains(&node)).collect()
}

#[track_caller]
fn probability(mdp: &Mdp, nodes: &[usize], extreme: Extreme) -> Bounds {
    mdp.at_start(&mdp.probability(&goal(mdp, nodes), extreme, &Precision::default()), extreme)
}

#[track_caller]
fn steps(mdp: &Mdp, nodes: &[usize], extreme: Extreme) -> Bounds {
    let rewards = vec![1.0; mdp.choice_count()];
    mdp.at_start(&mdp.reward(&goal(mdp, nodes), &rewards, extreme, &Precision::default()), extreme)
}

fn coin(k: i16) -> (Vec<Shared>, Mdp) {
    let graph = explore(Arc::new(Coin { k }), &Budget::default()).expect("a model");
    let mdp = Mdp::of(&graph, CoinSpec).expect("complete");
    (graph.states().to_vec(), mdp)
}

fn coin_sizes() {
    for (k, states) in [(2, 272), (4, 528), (8, 1_040), (16, 2_064)] {
        assert_eq!(coin(k).1.node_count(), states, "K = {k}");
    }
    let mdp = coin(2).1;
    assert_eq!((mdp.choice_count(), mdp.branch_count()), (400, 492));
}

fn coin_values() {
    for (k, all_one, disagree, most, least) in
        [(2, 0.382_812_5, 0.108_333, 75.0, 48.0), (4, 0.437_744, 0.061_520, 243.0, 192.0)]
    {
        let (states, mdp) = coin(k);
        let which = |goal: &dyn Fn(&Shared) -> bool| -> Vec<usize> {
            (0..states.len()).filter(|node| states[*node].is_finished() && goal(&states[*node])).collect()
        };
        near(probability(&mdp, &which(&|state| state.is_unanimous(true)), Extreme::Min), all_one, 1e-6);
        let differ = |state: &Shared| !state.is_unanimous(true) && !state.is_unanimous(false);
        near(probability(&mdp, &which(&differ), Extreme::Max), disagree, 1e-6);
        near(steps(&mdp, &which(&|_| true), Extreme::Max), most, 1e-6);
        near(steps(&mdp, &which(&|_| true), Extreme::Min), least, 1e-6);
    }
}

fn coin_surely() {
    let (states, mdp) = coin(2);
    let finished: Vec<bool> = states.iter().map(Shared::is_finished).collect();
    assert!(mdp.surely(&finished, Extreme::Min).iter().all(|surely| *surely));
    assert_eq!(mdp.end_component(&finished), None);
    let agreed: Vec<bool> = states
        .iter()
        .map(|state| state.is_finished() && (state.is_unanimous(true) || state.is_unanimous(false)))
        .collect();
    let avoided = mdp.end_component(&agreed).expect("they may disagree");
    let at = &states[avoided.component[0]];
    assert!(at.is_finished() && avoided.component.len() == 1, "{at:?}");
}

fn heads() {
    let mdp = Process::of(&[(0, &[(0, 1), (1, 1)])]).mdp().expect("complete");
    assert_eq!(mdp.surely(&goal(&mdp, &[1]), Extreme::Min), [true, true]);
    for extreme in [Extreme::Min, Extreme::Max] {
        assert_eq!(probability(&mdp, &[1], extreme), Bounds::exactly(1.0));
        near(steps(&mdp, &[1], extreme), 2.0, 0.0);
    }
    // A coin that is past the goal, at 1, cannot miss it any more.
    let past = Process::of(&[(0, &[(1, 1)]), (1, &[(2, 1)]), (2, &[(2, 1)])]).mdp().expect("complete");
    assert_eq!(past.end_component(&goal(&past, &[1])), None);
    // Not a fair one: heads once in four.
    let mdp = Process::of(&[(0, &[(0, 3), (1, 1)])]).mdp().expect("complete");
    near(steps(&mdp, &[1], Extreme::Max), 4.0, 0.0);
}

fn avoided() {
    // From 0 to 1 or 2 by chance; at 1 the scheduler may go round by 3 for ever, at 2 only to the goal, 4.
    let toy =
        Process::of(&[(0, &[(1, 1), (2, 1)]), (1, &[(3, 1)]), (2, &[(4, 1)]), (3, &[(1, 1)]), (3, &[(4, 1), (1, 1)])]);
    let mdp = toy.mdp().expect("complete");
    let avoided = mdp.end_component(&goal(&mdp, &[4])).expect("an end component");
    assert_eq!((avoided.path, avoided.component), (vec![0, 1], vec![1, 3]));
    assert_eq!(mdp.never(&goal(&mdp, &[4]), Extreme::Min), [false, true, false, true, false]);
    assert_eq!(mdp.never(&goal(&mdp, &[4]), Extreme::Max), [false; 5]);
    assert_eq!(mdp.surely(&goal(&mdp, &[4]), Extreme::Max), [true; 5]);
    assert_eq!(mdp.surely(&goal(&mdp, &[4]), Extreme::Min), [false, false, true, false, true]);
    assert_eq!(probability(&mdp, &[4], Extreme::Min), Bounds::exactly(0.5));
    assert_eq!(probability(&mdp, &[4], Extreme::Max), Bounds::exactly(1.0));
    assert_eq!(steps(&mdp, &[4], Extreme::Max), Bounds::exactly(f64::INFINITY));
    // 0, then 2 and the goal, or 1, 3, 1, 3 …: 1 + (1 + 4) / 2.
    near(steps(&mdp, &[4], Extreme::Min), 3.5, 0.0);
    // What lies behind the goal does not count: 1 leads to 3 only by it.
    assert_eq!(mdp.end_component(&goal(&mdp, &[1, 4])), None);
    assert_eq!(mdp.end_components(&[true; 5], |_| true), [vec![1, 3], vec![4]]);
}

fn end_component() {
    // 0 and 1 go round as long as the scheduler likes; out of it to the goal, 2, once in three. Their upper bounds of 1
    // would confirm each other.
    let toy = Process::of(&[(0, &[(1, 1)]), (1, &[(0, 1)]), (1, &[(2, 1), (3, 2)])]);
    let mdp = toy.mdp().expect("complete");
    near(probability(&mdp, &[2], Extreme::Max), 1.0 / 3.0, 0.0);
    assert_eq!(probability(&mdp, &[2], Extreme::Min), Bounds::exactly(0.0));
}

fn free_loop() {
    let toy = Process::of(&[(0, &[(1, 1)]), (1, &[(0, 1)]), (1, &[(2, 1)])]);
    let mdp = toy.mdp().expect("complete");
    // The way out costs 7, going round nothing. There is a stay at 2.
    let least = mdp.reward(&goal(&mdp, &[2]), &[0.0, 0.0, 7.0, 0.0], Extreme::Min, &Precision::default());
    near(least[0], 7.0, 0.0);
    near(least[1], 7.0, 0.0);
    let most = mdp.reward(&goal(&mdp, &[2]), &[0.0, 0.0, 7.0, 0.0], Extreme::Max, &Precision::default());
    assert_eq!(most[0], Bounds::exactly(f64::INFINITY));
}

fn slow() {
    // A chain of Haddad and Monmege: 13 fair coins in a row must fall well, or it begins again. Plain value iteration
    // changes by little long before it is anywhere near one half.
    let last = 14;
    let mut choices: Vec<(At, Vec<(At, u64)>)> = vec![(0, vec![(1, 1)])];
    choices.extend((1..last).map(|at| (at, vec![(at + 1, 1), (0, 1)])));
    choices.push((last, vec![(last + 1, 1), (last + 2, 1)]));
    let mdp = Process { inits: vec![0], choices, ..Process::default() };
    let mdp = Process { inits: (0..=last + 2).collect(), ..mdp }.mdp().expect("complete");
    let short = Precision::default().width_max(1e-3);
    for extreme in [Extreme::Min, Extreme::Max] {
        let bounds = mdp.probability(&goal(&mdp, &[usize::from(last) + 1]), extreme, &short)[0];
        assert!(bounds.lower <= 0.5 && 0.5 <= bounds.upper && bounds.width() <= 1e-3, "{bounds:?}");
    }
}

fn ruin() {
    // A gambler with 0..=10 coins wins one with probability 2/5. With q = 3/2: P(i) = (1 - qⁱ) / (1 - q¹⁰), and the
    // rounds expected are 5 i - 50 P(i).
    let mut choices: Vec<(At, Vec<(At, u64)>)> =
        (1..10).map(|coins| (coins, vec![(coins - 1, 3), (coins + 1, 2)])).collect();
    choices.sort();
    let mdp = Process { inits: (0..=10).collect(), choices, ..Process::default() }.mdp().expect("complete");
    let q: f64 = 1.5;
    for extreme in [Extreme::Min, Extreme::Max] {
        let won = mdp.probability(&goal(&mdp, &[10]), extreme, &Precision::default());
        let rounds = mdp.reward(&goal(&mdp, &[0, 10]), &vec![1.0; mdp.choice_count()], extreme, &Precision::default());
        for coins in 0..=10 {
            let wins = (1.0 - q.powi(coins)) / (1.0 - q.powi(10));
            near(won[coins as usize], wins, 1e-14);
            near(rounds[coins as usize], 5.0 * f64::from(coins) - 50.0 * wins, 1e-12);
        }
    }
}

fn staying() {
    // An outcome refused stays: one in four leads on.
    let mdp = Process::of(&[(0, &[(REFUSED, 3), (1, 1)])]).mdp().expect("complete");
    near(steps(&mdp, &[1], Extreme::Min), 4.0, 0.0);
    // A choice all of whose outcomes are refused is none, and neither is an action.
    let mdp = Process::of(&[(0, &[(REFUSED, 3), (REFUSED, 1)]), (0, &[(REFUSED, 1)]), (0, &[(1, 1)])])
        .mdp()
        .expect("complete");
    assert_eq!((mdp.choice_count(), probability(&mdp, &[1], Extreme::Min)), (2, Bounds::exactly(1.0)));
    // What is not forced need not come to pass.
    let step = Process::of(&[(0, &[(1, 1)])]);
    let lazy = Process { unforced: vec![0], ..step }.mdp().expect("complete");
    assert_eq!(probability(&lazy, &[1], Extreme::Min), Bounds::exactly(0.0));
    assert_eq!(probability(&lazy, &[1], Extreme::Max), Bounds::exactly(1.0));
    // Outcomes into the same node are one branch, and actions without chance a choice each.
    let mdp = Process::of(&[(0, &[(1, 1), (1, 2), (2, 1)]), (0, &[(1, 1)]), (0, &[(1, 1)])]).mdp().expect("complete");
    assert_eq!((mdp.choices(0).len(), mdp.branches(0).len(), mdp.total(0)), (3, 2, 4));
}

fn refused() {
    let why = |toy: Process| toy.mdp().err().map(|error| error.to_string()).unwrap_or_default();
    let cut = Process { bound: Some(1), ..Process::of(&[(0, &[(1, 1), (2, 1)])]) };
    assert!(matches!(cut.mdp(), Err(MdpError::Incomplete(_))));
    assert!(why(cut).contains("outside the model's boundary"));
    assert!(why(Process::of(&[(0, &[(1, 1), (2, 0)])])).contains("weight 0 in state 0"));
    assert!(why(Process::of(&[(0, &[(1, 1), (2, 1 << 53)])])).contains("more than 2^53"));
    assert_eq!(why(Process::of(&[(0, &[(1, 1), (2, (1 << 53) - 1)])])), "");
    assert!(why(Process::of(&[(0, &[(1, 1), (2, u64::MAX)])])).contains("more than 2^53"));
}

fn interrupted() {
    let mdp = coin(4).1;
    let stop = Precision::default().interrupt(|| Some(Stop::Interrupted));
    let (states, _) = coin(4);
    let finished: Vec<bool> = states.iter().map(Shared::is_finished).collect();
    for (extreme, value) in [(Extreme::Min, 192.0), (Extreme::Max, 243.0)] {
        let bounds = mdp.reward(&finished, &vec![1.0; mdp.choice_count()], extreme, &stop)[0];
        assert!(bounds.lower < value && value < bounds.upper && bounds.width() > 1e-3, "{bounds:?}");
    }
    let ones: Vec<bool> = states.iter().map(|state| state.is_finished() && state.is_unanimous(true)).collect();
    let bounds = mdp.probability(&ones, Extreme::Min, &stop)[0];
    assert!(bounds.lower < 0.437_744 && 0.437_744 < bounds.upper && bounds.width() > 1e-3, "{bounds:?}");
}

/// A process of up to five nodes, with what the oracle is told of it.
fn random(random: &mut Pcg64Mcg) -> (Process, Vec<Options>) {
    let mut below = |limit: u64| random.next_u64() % limit;
    let count = 3 + below(3) as At;
    let (mut choices, mut nodes, mut unforced) = (Vec::new(), Vec::new(), Vec::new());
    for node in 0..count {
        let mut options: Options = Vec::new();
        let mut must = false;
        for _ in 0..below(4) {
            let outcomes: Vec<(At, u64)> = (0..1 + below(3))
                .map(|_| (if below(12) == 0 { REFUSED } else { below(count.into()) as At }, 1 + below(3)))
                .collect();
            let forced = below(8) != 0;
            if !forced {
                unforced.push(choices.len());
            }
            if outcomes.iter().any(|(to, _)| *to != REFUSED) {
                must |= forced;
                let stays = |to: At| usize::from(if to == REFUSED { node } else { to });
                options.push((outcomes.iter().map(|(to, weight)| (stays(*to), *weight)).collect(), below(3)));
            }
            choices.push((node, outcomes));
        }
        if !must {
            options.push((vec![(node.into(), 1)], below(3)));
        }
        nodes.push(options);
    }
    (Process { inits: (0..count).collect(), choices, unforced, ..Process::default() }, nodes)
}

fn agreement() {
    let mut seeded = Pcg64Mcg::seed_from_u64(20_260_301);
    let (mut between, mut infinite, mut finite) = (0, 0, 0);
    for round in 0..600 {
        let (toy, nodes) = random(&mut seeded);
        let mdp = toy.mdp().expect("complete");
        assert_eq!(mdp.choice_count(), nodes.iter().map(Vec::len).sum::<usize>(), "round {round}: {toy:?}");
        let goal = goal(&mdp, &[nodes.len() - 1]);
        let rewards: Vec<f64> = nodes.iter().flatten().map(|(_, reward)| *reward as f64).collect();
        for extreme in [Extreme::Min, Extreme::Max] {
            let truth = by_policies(&nodes, &goal, extreme);
            let chances = mdp.probability(&goal, extreme, &Precision::default());
            let sums = mdp.reward(&goal, &rewards, extreme, &Precision::default());
            let (never, surely) = (mdp.never(&goal, extreme), mdp.surely(&goal, extreme));
            for (node, (chance, sum)) in truth.into_iter().enumerate() {
                let place = format!("round {round}, node {node}, {extreme:?}: {toy:?}");
                assert_eq!((never[node], surely[node]), (chance == 0.0, chance == 1.0), "{place}");
                between += usize::from(chance > 0.0 && chance < 1.0);
                infinite += usize::from(sum.is_infinite());
                finite += usize::from(sum.is_finite() && sum > 0.0);
                for (bounds, value) in [(chances[node], chance), (sums[node], sum)] {
                    let slack = 1e-15 * value;
                    let inside =
                        bounds.lower <= value + slack && value <= bounds.upper + slack || bounds.lower == value;
                    assert!(inside && bounds.width() <= WIDTH * value.max(1.0), "{bounds:?} for {value}, {place}");
                }
            }
            if extreme == Extreme::Min {
                let missed = (0..nodes.len()).any(|node| !surely[node]);
                assert_eq!(mdp.end_component(&goal).is_some(), missed, "round {round}: {toy:?}");
            }
        }
    }
    // The rounds are about something.
    assert!(between > 250 && infinite > 1_000 && finite > 800, "{between} {infinite} {finite}");
}
