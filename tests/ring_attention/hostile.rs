//! Shapes that do not fit, and numbers that are none: an error that names what is wrong, and nothing else.

use std::ops::Range;

use counterpart_models::ring_attention::attention::{AttentionError, Layout, Mask, Output, RingAttention};
use counterpart_models::ring_attention::implementation::{HOSTS_MAX, Order, PlanError, Ways};
use libtest_mimic::Trial;
use ndarray::Array4;
use proptest::prelude::*;

use crate::claim;
use crate::drawn::{drawn, for_all};

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

/// The axes of a tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Shape {
    batch: usize,
    heads: usize,
    tokens: usize,
    width: usize,
}

impl Shape {
    fn dim(self) -> (usize, usize, usize, usize) {
        (self.batch, self.heads, self.tokens, self.width)
    }

    fn ones(self) -> Array4<f32> {
        Array4::ones(self.dim())
    }

    fn is_empty(self) -> bool {
        self.batch.min(self.heads).min(self.tokens).min(self.width) == 0
    }
}

fn shape() -> impl Strategy<Value = Shape> {
    drawn!(Shape { batch: 0..4_usize, heads: 0..4_usize, tokens: 0..6_usize, width: 0..4_usize })
}

/// Of a few, or at the end of what there can be.
fn few_or_most(few: Range<usize>) -> impl Strategy<Value = usize> {
    prop_oneof![4 => few, 1 => prop::sample::select(vec![HOSTS_MAX + 1, usize::MAX - 1, usize::MAX])]
}

/// A ring, and what it is given.
#[derive(Clone, Debug)]
struct Given {
    queries: Shape,
    keys: Shape,
    values: Shape,
    hosts: usize,
    order: Order,
    ways: Ways,
    capacity: usize,
    documents: Option<Vec<usize>>,
}

fn given() -> impl Strategy<Value = Given> {
    drawn!(Given {
        queries: shape(),
        keys: shape(),
        values: shape(),
        hosts: few_or_most(0..5),
        order: prop::sample::select(vec![Order::SendFirst, Order::OddEven, Order::Overlapped]),
        ways: prop::sample::select(vec![Ways::One, Ways::Both]),
        capacity: few_or_most(0..3),
        documents: prop::option::of(prop::collection::vec(few_or_most(0..5), 0..4)),
    })
}

fn shapes() {
    for_all(given(), |Given { queries, keys, values, hosts, order, ways, capacity, documents }| {
        let ring = RingAttention::new(hosts, order, capacity).and_then(|ring| ring.ways(ways));
        let ring = match ring {
            Ok(ring) => ring,
            Err(AttentionError::Plan(PlanError::NoHosts)) => return assert_eq!(hosts, 0),
            Err(AttentionError::Plan(PlanError::TooManyHosts { .. })) => return assert!(hosts > HOSTS_MAX),
            Err(error) => {
                let waits =
                    order == Order::SendFirst || order == Order::OddEven && ways == Ways::Both && hosts % 2 == 1;
                return assert!(capacity == 0 && hosts > 1 && waits, "{error}");
            }
        };
        assert!((1..=HOSTS_MAX).contains(&hosts));
        let sum = |lengths: &[usize]| lengths.iter().try_fold(0_usize, |sum, length| sum.checked_add(*length));
        let covers = documents.as_deref().is_none_or(|lengths| sum(lengths) == Some(queries.tokens));
        let ring = match documents {
            Some(lengths) => ring.mask(Mask::Documents(lengths)).layout(Layout::Packed),
            None => ring,
        };
        let found = ring.forward(&queries.ones(), &keys.ones(), &values.ones());
        let empty = [queries, keys, values].into_iter().any(Shape::is_empty);
        let fits = keys == Shape { heads: keys.heads, ..queries }
            && values == Shape { heads: keys.heads, width: values.width, ..queries };
        match found {
            Err(AttentionError::Empty { .. }) => assert!(empty),
            Err(AttentionError::Shape { .. }) => assert!(!empty && !fits),
            Err(AttentionError::Heads { .. }) => assert!(!queries.heads.is_multiple_of(keys.heads)),
            Err(AttentionError::Documents { .. }) => assert!(!covers),
            Err(error) => panic!("{error}"),
            Ok(output) => {
                assert!(!empty && fits && covers && queries.heads.is_multiple_of(keys.heads));
                // The mean of ones.
                assert!(output.out.iter().all(|value| (value - 1.0).abs() < 1e-6));
            }
        }
    });
}

/// One number of a tensor.
#[derive(Clone, Debug)]
struct Place {
    tensor: &'static str,
    batch: usize,
    head: usize,
    token: usize,
    column: usize,
    number: f64,
}

fn not_finite() {
    let place = drawn!(Place {
        tensor: prop::sample::select(TENSORS[..3].to_vec()),
        batch: 0..2_usize,
        head: 0..2_usize,
        token: 0..5_usize,
        column: 0..3_usize,
        number: prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY]),
    });
    for_all(place, |Place { tensor, batch, head, token, column, number }| {
        let mut given = [(); 3].map(|()| Array4::<f64>::ones((2, 2, 5, 3)));
        let of = TENSORS.iter().position(|name| *name == tensor).expect("one of them");
        given[of][[batch, head, token, column]] = number;
        let ring = RingAttention::new(2, Order::SendFirst, 1).expect("a ring");
        let error = ring.forward(&given[0], &given[1], &given[2]).expect_err("not finite");
        assert!(error.to_string().contains("which is [2, 2, 5, 3]"));
        let place = vec![batch, head, token, column];
        assert_eq!(error, AttentionError::NotFinite { tensor, shape: vec![2, 2, 5, 3], place });
    });
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
    Shape {
        of: Shaped,
        shape: Shape,
    },
    /// In one place of one of the six tensors.
    Number {
        tensor: &'static str,
        number: f32,
        at: usize,
    },
}

/// What may have another shape than it should.
#[derive(Clone, Copy, Debug)]
enum Shaped {
    Output,
    OfOutput,
    LogSums,
}

fn wrong() -> impl Strategy<Value = Wrong> {
    let extreme = prop_oneof![
        prop::sample::select(vec![f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN, 0.0, -0.0, 1e-45]),
        any::<f32>()
    ];
    prop_oneof![
        Just(Wrong::Nothing),
        drawn!(Wrong::Shape {
            of: prop::sample::select(vec![Shaped::Output, Shaped::OfOutput, Shaped::LogSums]),
            shape: shape()
        }),
        drawn!(Wrong::Number { tensor: prop::sample::select(TENSORS.to_vec()), number: extreme, at: any::<usize>() }),
    ]
}

const TENSORS: [&str; 6] = ["queries", "keys", "values", "output", "the gradient of the output", "log_sums"];

/// A ring, and what goes backward round it.
#[derive(Clone, Debug)]
struct Backward {
    hosts: usize,
    order: Order,
    mask: Mask,
    wrong: Wrong,
}

fn backward_of_anything() {
    let drawn = drawn!(Backward {
        hosts: 1..4_usize,
        order: prop::sample::select(vec![Order::SendFirst, Order::OddEven, Order::Overlapped]),
        mask: prop::sample::select(vec![Mask::Full, Mask::Causal, Mask::Documents(vec![1, 2])]),
        wrong: wrong(),
    });
    for_all(drawn, |Backward { hosts, order, mask, wrong }| {
        let ring =
            RingAttention::new(hosts, order, usize::from(order != Order::Overlapped)).expect("a ring").mask(mask);
        let [mut queries, mut keys, mut values] = [(1, 2, 3, 2), (1, 1, 3, 2), (1, 1, 3, 2)].map(Array4::<f32>::ones);
        let mut output = ring.forward(&queries, &keys, &values).expect("fits");
        let mut of_output = output.out.clone();
        match wrong {
            Wrong::Nothing => {}
            Wrong::Shape { of: Shaped::Output, shape } => output.out = shape.ones(),
            Wrong::Shape { of: Shaped::OfOutput, shape } => of_output = shape.ones(),
            Wrong::Shape { of: Shaped::LogSums, shape } => {
                output.log_sums = ndarray::Array3::zeros((shape.batch, shape.heads, shape.tokens));
            }
            Wrong::Number { tensor, number, at } => {
                let of = match tensor {
                    "queries" => queries.as_slice_mut(),
                    "keys" => keys.as_slice_mut(),
                    "values" => values.as_slice_mut(),
                    "output" => output.out.as_slice_mut(),
                    "log_sums" => output.log_sums.as_slice_mut(),
                    _ => of_output.as_slice_mut(),
                };
                let of = of.expect("in one piece");
                let at = at % of.len();
                of[at] = number;
            }
        }
        let found = ring.backward((&queries, &keys, &values), &output, &of_output);
        let fits =
            output.out.dim() == (1, 2, 3, 2) && of_output.dim() == (1, 2, 3, 2) && output.log_sums.dim() == (1, 2, 3);
        let put_in = match wrong {
            Wrong::Number { tensor, number, .. } => Some((tensor, number)),
            Wrong::Nothing | Wrong::Shape { .. } => None,
        };
        match found {
            Err(AttentionError::Shape { tensor, shape, .. }) => {
                assert!(!fits && TENSORS[3..].contains(&tensor), "{tensor} {shape:?}");
            }
            Err(AttentionError::NotFinite { tensor, .. }) => {
                assert!(put_in.is_some_and(|(of, number)| of == tensor && !number.is_finite()), "{tensor}");
            }
            Err(AttentionError::TooLarge { .. }) => assert!(put_in.is_some_and(|(_, number)| number.is_finite())),
            Err(error) => panic!("{error}"),
            Ok(gradients) => {
                assert!(fits && put_in.is_none_or(|(_, number)| number.is_finite()));
                let all = [(&gradients.queries, &queries), (&gradients.keys, &keys), (&gradients.values, &values)];
                for (gradient, of) in all {
                    assert_eq!(gradient.dim(), of.dim());
                    assert!(gradient.iter().all(|value| value.is_finite()));
                }
            }
        }
    });
}
