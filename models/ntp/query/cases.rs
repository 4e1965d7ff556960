//! The cases of the catalogue: our client over UDP, and each defect.

use counterpart::Case;

use super::bindings::OverUdp;
use super::model::Query;
use super::{check, defects};

/// The cases of this sub-model.
pub(crate) fn cases() -> Vec<Case> {
    let far = Query { is_far: true, ..Query::default() };
    let mut cases = vec![
        Case::new("ntp/query", check(Query::default()).tour(OverUdp::new)),
        Case::new("ntp/query_far", check(far).tour(OverUdp::new)),
    ];
    cases.extend(defects::as_models());
    cases.push(defects::as_implementations());
    #[cfg(feature = "peers")]
    cases.extend(super::peers::cases());
    cases
}
