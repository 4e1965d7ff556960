//! todo
pub(crate) fn cases() -> Vec<counterpart::Case> {
    Vec::new()
}
