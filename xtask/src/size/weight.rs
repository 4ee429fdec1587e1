//! What one program weighs, beside the first.

use crate::table::aligned;

#[derive(Debug)]
pub(super) struct Weight {
    pub(super) name: &'static str,
    pub(super) bytes: u64,
    /// What it may have more than the first.
    pub(super) limit: Option<u64>,
}

impl Weight {
    fn over(&self, baseline: u64) -> u64 {
        self.bytes.saturating_sub(baseline)
    }

    fn is_above(&self, baseline: u64) -> bool {
        self.limit.is_some_and(|limit| self.over(baseline) > limit)
    }
}

pub(super) fn above_their_limit(weights: &[Weight]) -> Vec<&'static str> {
    let baseline = baseline(weights);
    weights.iter().filter(|it| it.is_above(baseline)).map(|it| it.name).collect()
}

/// The ratio is what it has to what it may have.
pub(super) fn table(weights: &[Weight]) -> String {
    let baseline = baseline(weights);
    let heading = ["app", "bytes", "over the baseline", "limit", "ratio", ""].map(str::to_owned);
    let rows = weights.iter().map(|it| {
        let over = it.over(baseline);
        let limit = it.limit.map_or_else(|| "-".to_owned(), |limit| limit.to_string());
        let ratio = it.limit.map_or_else(|| "-".to_owned(), |limit| ratio(over, limit));
        let verdict = if it.is_above(baseline) { "ABOVE" } else { "" };
        [it.name.to_owned(), it.bytes.to_string(), format!("+{over}"), limit, ratio, verdict.to_owned()]
    });
    aligned(&std::iter::once(heading).chain(rows).collect::<Vec<_>>()).trim_end().to_owned()
}

pub(super) fn json(weights: &[Weight]) -> String {
    let baseline = baseline(weights);
    let rows = weights.iter().map(|it| {
        let limit = it.limit.map_or_else(|| "null".to_owned(), |limit| limit.to_string());
        let (name, bytes, over) = (it.name, it.bytes, it.over(baseline));
        format!(r#"{{"app":"{name}","bytes":{bytes},"over_baseline":{over},"limit":{limit}}}"#)
    });
    format!("[{}]", rows.collect::<Vec<_>>().join(","))
}

fn baseline(weights: &[Weight]) -> u64 {
    weights.first().map_or(0, |it| it.bytes)
}

/// With two digits behind the point, rounded up: what is above its limit does not read 1.00.
fn ratio(over: u64, limit: u64) -> String {
    let hundredths = (over * 100).div_ceil(limit.max(1));
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weights() -> [Weight; 3] {
        [
            Weight { name: "baseline", bytes: 500, limit: None },
            Weight { name: "light", bytes: 600, limit: Some(100) },
            Weight { name: "heavy", bytes: 601, limit: Some(100) },
        ]
    }

    #[test]
    fn what_is_above_its_limit_is_named_and_what_is_at_it_is_not() {
        assert_eq!(above_their_limit(&weights()), ["heavy"]);
        let expected = "\
app       bytes  over the baseline  limit  ratio
baseline  500    +0                 -      -
light     600    +100               100    1.00
heavy     601    +101               100    1.01   ABOVE";
        assert_eq!(table(&weights()), expected);
    }

    #[test]
    fn programs_read_it_as_json() {
        let expected = r#"{"app":"heavy","bytes":601,"over_baseline":101,"limit":100}"#;
        assert!(json(&weights()).contains(expected), "{}", json(&weights()));
        assert!(
            json(&weights())
                .starts_with(r#"[{"app":"baseline","bytes":500,"over_baseline":0,"limit":null},"#)
        );
    }
}
