//! Shapes that do not fit, and numbers that are none: an error that names what is wrong, and nothing else.

use counterpart_models::ring_attention::attention::{AttentionError, Layout, Mask, Output, RingAttention};
use counterpart_models::ring_attention::implementation::{Order, PlanError, Ways};
use libtest_mimic::Trial;
use ndarray::Array4;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::claim;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        claim("ring_attention::whatever_the_shapes_there_is_an_output_or_an_error_that_fits", shapes),
        claim("ring_attention::what_is_not_finite_is_named_by_its_place", not_finite),
        claim("ring_attention::errors_name_the_shape", names),
        claim("ring_attention::finite_numbers_whose_products_are_not_are_an_error", too_large),
        claim("ring_attention::a_backward_pass_is_as_strict", backward),
        claim("ring_attention::whatever_goes_backward_there_are_gradients_or_an_error_that_fits", backward_of_anything),
    ]
}

fn runner() -> TestRunner {
    TestRunner::new_with_rng(
        Config { cases: 300, failure_persistence: None, ..Config::default() },
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    )
}

fn shapes() {
    let axis = || 0..4_usize;
    let shape = || (axis(), axis(), 0..6_usize, axis());
    let orders = prop::sample::select(vec![Order::SendFirst, Order::OddEven, Order::Overlapped]);
    let ring =
        (0..5_usize, (orders, any::<bool>()), 0..3_usize, prop::collection::vec(0..5_usize, 0..4), any::<bool>());
    runner()
        .run(
            &(shape(), shape(), shape(), ring),
            |(queries, keys, values, (hosts, (order, both), capacity, lengths, documents))| {
                let ways = if both { Ways::Both } else { Ways::One };
                let ring = RingAttention::new(hosts, order, capacity).and_then(|ring| ring.ways(ways));
                let Ok(ring) = ring else {
                    let waits = order == Order::SendFirst || order == Order::OddEven && both && hosts % 2 == 1;
                    prop_assert!(hosts == 0 || capacity == 0 && hosts > 1 && waits);
                    return Ok(());
                };
                let sum: usize = lengths.iter().sum();
                let ring = if documents { ring.mask(Mask::Documents(lengths)).layout(Layout::Packed) } else { ring };
                let ones = |shape| Array4::<f32>::ones(shape);
                let found = ring.forward(&ones(queries), &ones(keys), &ones(values));
                let empty = [queries, keys, values].iter().any(|(b, h, t, w)| [b, h, t, w].contains(&&0));
                let fits = keys == (queries.0, keys.1, queries.2, queries.3)
                    && values == (queries.0, keys.1, queries.2, values.3);
                match found {
                    Err(AttentionError::Empty { .. }) => prop_assert!(empty),
                    Err(AttentionError::Shape { .. }) => prop_assert!(!empty && !fits),
                    Err(AttentionError::Heads { .. }) => prop_assert!(queries.1 % keys.1 != 0),
                    Err(AttentionError::Documents { .. }) => prop_assert!(documents && sum != queries.2),
                    Err(error) => prop_assert!(false, "{error}"),
                    Ok(output) => {
                        prop_assert!(!empty && fits && queries.1 % keys.1 == 0);
                        // The mean of ones.
                        prop_assert!(output.out.iter().all(|value| (value - 1.0).abs() < 1e-6));
                    }
                }
                Ok(())
            },
        )
        .expect("every shape has its answer");
}

fn not_finite() {
    let place = (0..2_usize, 0..2_usize, 0..5_usize, 0..3_usize);
    let what = prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY)];
    runner()
        .run(&(0..3_usize, place, what), |(tensor, (b, h, t, c), what)| {
            let mut given = [(); 3].map(|()| Array4::<f64>::ones((2, 2, 5, 3)));
            given[tensor][[b, h, t, c]] = what;
            let ring = RingAttention::new(2, Order::SendFirst, 1).expect("a ring");
            let error = ring.forward(&given[0], &given[1], &given[2]).expect_err("not finite");
            let tensor = ["queries", "keys", "values"][tensor];
            prop_assert!(error.to_string().contains("which is [2, 2, 5, 3]"));
            prop_assert_eq!(
                error,
                AttentionError::NotFinite { tensor, shape: vec![2, 2, 5, 3], place: vec![b, h, t, c] }
            );
            Ok(())
        })
        .expect("every place is named");
}

fn names() {
    let ring = RingAttention::new(2, Order::SendFirst, 1).expect("a ring");
    let ones = |shape| Array4::<f32>::ones(shape);
    let said = |error: AttentionError| error.to_string();
    let forward = |queries, keys, values| ring.forward(&ones(queries), &ones(keys), &ones(values)).map_err(said);
    assert_eq!(
        forward((1, 2, 4, 8), (1, 2, 5, 8), (1, 2, 4, 8)),
        Err("keys is [1, 2, 5, 8], and [1, 2, 4, 8] was expected (batch, heads, tokens, width)".into())
    );
    assert_eq!(
        forward((1, 3, 4, 8), (1, 2, 4, 8), (1, 2, 4, 8)),
        Err("3 heads of queries cannot share 2 heads of keys and values: the first must be a multiple".into())
    );
    assert_eq!(
        forward((1, 0, 4, 8), (1, 2, 4, 8), (1, 2, 4, 8)),
        Err("queries is [1, 0, 4, 8] (batch, heads, tokens, width): no axis may be 0".into())
    );
    let stands_still = RingAttention::new(2, Order::SendFirst, 0);
    assert_eq!(stands_still, Err(AttentionError::Plan(PlanError::StandsStill { hosts: 2 })));
}

fn too_large() {
    let ring = RingAttention::new(2, Order::SendFirst, 1).expect("a ring");
    let (large, ones) = (Array4::<f32>::from_elem((1, 1, 4, 2), 1e30), Array4::<f32>::ones((1, 1, 4, 2)));
    // All scores are infinite, of one sign or of both.
    let mixed = Array4::from_shape_fn((1, 1, 4, 2), |(_, _, _, column)| if column == 0 { 1e30 } else { -1e30 });
    for keys in [&large, &mixed] {
        let error = ring.forward(&large, keys, &ones).expect_err("no number comes of it");
        let said = "the output is too large at [0, 0, 0, 0] (batch, head, token, column) for this precision: scale the \
                    queries down";
        assert_eq!(error.to_string(), said);
    }
    // Scores that are −∞ against others that are not have no weight, and harm nothing.
    let one_low = Array4::from_shape_fn((1, 1, 4, 2), |(_, _, token, _)| if token == 0 { -1e30 } else { 0.0 });
    let output = ring.forward(&large, &one_low, &ones).expect("the others weigh as much as each other");
    assert!(output.out.iter().all(|value| (value - 1.0).abs() < 1e-6));
}

fn backward() {
    let ring = RingAttention::new(2, Order::SendFirst, 1).expect("a ring");
    let ones = |shape| Array4::<f64>::ones(shape);
    let (queries, keys, values) = (ones((1, 2, 4, 3)), ones((1, 1, 4, 3)), ones((1, 1, 4, 5)));
    let output = ring.forward(&queries, &keys, &values).expect("fits");
    let of = (&queries, &keys, &values);
    let error = |output: &Output<f64>, of_output: &Array4<f64>| {
        ring.backward(of, output, of_output).expect_err("hostile").to_string()
    };
    assert_eq!(
        error(&output, &ones((1, 2, 4, 3))),
        "the gradient of the output is [1, 2, 4, 3], and [1, 2, 4, 5] was expected (batch, heads, tokens, width)"
    );
    let of_output = ones((1, 2, 4, 5));
    let mut short = output.clone();
    short.log_sums = ndarray::Array3::zeros((1, 2, 3));
    assert!(error(&short, &of_output).starts_with("log_sums is [1, 2, 3], and [1, 2, 4] was expected"));
    for what in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut torn = output.clone();
        torn.log_sums[[0, 1, 2]] = what;
        assert!(error(&torn, &of_output).starts_with("log_sums, which is [1, 2, 4], is not finite at [0, 1, 2]"));
        let mut torn = of_output.clone();
        torn[[0, 1, 2, 3]] = what;
        assert!(
            error(&output, &torn).starts_with("the gradient of the output, which is [1, 2, 4, 5], is not finite at")
        );
    }
    let mut low = output.clone();
    low.log_sums.fill(-1e300);
    assert!(error(&low, &of_output).contains("is too large at"));
}

/// What is wrong with what goes backward.
#[derive(Clone, Debug)]
enum Wrong {
    Nothing,
    /// Another shape: of the output, of its gradient, of the sums.
    Shape(usize, (usize, usize, usize, usize)),
    /// A number in one place of one of the six tensors.
    Number(usize, f32, usize),
}

fn wrong() -> impl Strategy<Value = Wrong> {
    let axis = || 0..4_usize;
    let extreme = prop_oneof![
        prop::sample::select(vec![f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN, 0.0, -0.0, 1e-45]),
        any::<f32>()
    ];
    prop_oneof![
        Just(Wrong::Nothing),
        (0..3_usize, (axis(), axis(), axis(), axis())).prop_map(|(tensor, shape)| Wrong::Shape(tensor, shape)),
        (0..6_usize, extreme, any::<usize>()).prop_map(|(tensor, number, at)| Wrong::Number(tensor, number, at)),
    ]
}

const TENSORS: [&str; 6] = ["queries", "keys", "values", "output", "the gradient of the output", "log_sums"];

fn backward_of_anything() {
    let orders = prop::sample::select(vec![(Order::SendFirst, 1), (Order::OddEven, 1), (Order::Overlapped, 0)]);
    let masks = prop::sample::select(vec![Mask::Full, Mask::Causal, Mask::Documents(vec![1, 2])]);
    runner()
        .run(&(1..4_usize, orders, masks, wrong()), |(hosts, (order, capacity), mask, wrong)| {
            let ring = RingAttention::new(hosts, order, capacity).expect("a ring").mask(mask);
            let [mut queries, mut keys, mut values] =
                [(1, 2, 3, 2), (1, 1, 3, 2), (1, 1, 3, 2)].map(Array4::<f32>::ones);
            let mut output = ring.forward(&queries, &keys, &values).expect("fits");
            let mut of_output = output.out.clone();
            match &wrong {
                Wrong::Shape(0, shape) => output.out = Array4::ones(*shape),
                Wrong::Shape(1, shape) => of_output = Array4::ones(*shape),
                Wrong::Shape(_, (b, h, t, _)) => output.log_sums = ndarray::Array3::zeros((*b, *h, *t)),
                Wrong::Number(tensor, number, at) => {
                    let all: [&mut [f32]; 6] = [&mut queries, &mut keys, &mut values, &mut output.out, &mut of_output]
                        .map(|tensor| tensor.as_slice_mut().expect("in one piece"))
                        .into_iter()
                        .chain(output.log_sums.as_slice_mut())
                        .collect::<Vec<_>>()
                        .try_into()
                        .expect("six tensors");
                    let of = &mut *all.into_iter().nth(*tensor).expect("one of six");
                    let at = at % of.len();
                    of[at] = *number;
                }
                Wrong::Nothing => {}
            }
            let found = ring.backward((&queries, &keys, &values), &output, &of_output);
            let fits = output.out.dim() == (1, 2, 3, 2)
                && of_output.dim() == (1, 2, 3, 2)
                && output.log_sums.dim() == (1, 2, 3);
            match found {
                Err(AttentionError::Shape { tensor, shape, .. }) => {
                    prop_assert!(!fits && TENSORS[3..].contains(&tensor), "{tensor} {shape:?}");
                }
                Err(AttentionError::NotFinite { tensor, .. }) => {
                    let Wrong::Number(of, number, _) = wrong else { return Err(TestCaseError::fail("all is finite")) };
                    prop_assert!(!number.is_finite());
                    prop_assert_eq!(tensor, TENSORS[of]);
                }
                Err(AttentionError::TooLarge { .. }) => {
                    prop_assert!(matches!(wrong, Wrong::Number(_, number, _) if number.is_finite()));
                }
                Err(error) => prop_assert!(false, "{error}"),
                Ok(gradients) => {
                    prop_assert!(fits && !matches!(wrong, Wrong::Number(_, number, _) if !number.is_finite()));
                    let all = [(&gradients.queries, &queries), (&gradients.keys, &keys), (&gradients.values, &values)];
                    for (gradient, of) in all {
                        prop_assert_eq!(gradient.dim(), of.dim());
                        prop_assert!(gradient.iter().all(|value| value.is_finite()));
                    }
                }
            }
            Ok(())
        })
        .expect("whatever goes backward has its answer");
}
