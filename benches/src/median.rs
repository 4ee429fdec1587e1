/// The one in the middle: what most turns of a drifting machine agree on.
///
/// # Panics
///
/// When there is none.
#[must_use]
#[expect(clippy::expect_used, reason = "a bench without turns has nothing to show")]
pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    *values.get(values.len() / 2).expect("there is a turn at least")
}
