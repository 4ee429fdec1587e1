use super::{Colours, blocks, capped, printable};

/// How often there is what: a line for each, the most frequent first, with a bar. Those beyond the first are summed up.
pub(crate) fn histogram(
    counts: impl IntoIterator<Item = (String, u64)>,
    width: usize,
    colours: Colours,
) -> Vec<String> {
    const MOST_LINES: usize = 10;
    const LONGEST_NAME: usize = 40;
    const LONGEST_BAR: usize = 40;

    let mut counts: Vec<(String, u64)> =
        counts.into_iter().map(|(name, count)| (capped(&printable(&name), LONGEST_NAME), count)).collect();
    counts.sort_by(|(name, count), (other, more)| more.cmp(count).then_with(|| name.cmp(other)));
    let rest = counts.split_off(counts.len().min(MOST_LINES));
    if !rest.is_empty() {
        let sum = rest.iter().map(|(_, count)| count).sum();
        counts.push((format!("({} more)", rest.len()), sum));
    }
    let names = counts.iter().map(|(name, _)| console::measure_text_width(name)).max().unwrap_or_default();
    let most = counts.iter().map(|(_, count)| *count).max().unwrap_or_default();
    let digits = most.to_string().len();
    let room = width.saturating_sub(names + digits + 4).clamp(5, LONGEST_BAR);
    let line = |(name, count): &(String, u64)| {
        let space = " ".repeat(names.saturating_sub(console::measure_text_width(name)));
        format!("{name}{space}  {count:>digits$}  {}", colours.drawn(blocks::bar(*count, most, room)))
    };
    counts.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_comes_first() {
        let counts =
            [("Opened", 1), ("Deposited", 16), ("Closed", 1)].map(|(name, count)| (name.to_owned(), count));
        assert_eq!(
            histogram(counts, 32, Colours::NONE),
            ["Deposited  16  █████████████████", "Closed      1  █", "Opened      1  █"]
        );
    }

    #[test]
    fn of_many_the_rest_is_summed_up() {
        let counts = (1..=20_u64).map(|number| (format!("T{number:02}"), number));
        let lines = histogram(counts, 80, Colours::NONE);
        assert_eq!(lines.len(), 11);
        assert!(lines[10].starts_with("(10 more)  55  "), "{lines:?}");
        assert!(histogram([], 80, Colours::NONE).is_empty());
    }
}
