//! Numbers as the heights and lengths of block characters, which are eighths.

const HEIGHTS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const LENGTHS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/// A character as high as this part of the highest; what is more than nothing is never shown as nothing.
pub(super) fn height(value: u64, highest: u64) -> char {
    HEIGHTS.get(eighths(value, highest, 1)).copied().unwrap_or('█')
}

/// The rows of columns of these heights, the top one first.
pub(super) fn rows(values: &[u64], highest: u64, rows: usize) -> Vec<String> {
    let filled: Vec<usize> = values.iter().map(|value| eighths(*value, highest, rows)).collect();
    let row = |below: usize| {
        filled
            .iter()
            .map(move |filled| HEIGHTS.get(filled.saturating_sub(below * 8).min(8)).copied().unwrap_or('█'))
    };
    (0..rows).rev().map(|below| row(below).collect::<String>().trim_end().to_owned()).collect()
}

/// A bar as long as this part of the longest, which is so many characters.
pub(super) fn bar(value: u64, longest: u64, characters: usize) -> String {
    let eighths = eighths(value, longest, characters);
    let mut bar = "█".repeat(eighths / 8);
    if let Some(rest) = LENGTHS.get(eighths % 8).filter(|rest| **rest != ' ') {
        bar.push(*rest);
    }
    bar
}

fn eighths(value: u64, greatest: u64, characters: usize) -> usize {
    let all = characters.saturating_mul(8);
    if value == 0 || greatest == 0 {
        return 0;
    }
    let share = u128::from(value.min(greatest)) * all as u128 / u128::from(greatest);
    usize::try_from(share).unwrap_or(all).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_little_is_seen_and_what_is_nothing_is_not() {
        let drawn: String = [0, 1, 500, 1_000, 5_000].map(|value| height(value, 1_000)).iter().collect();
        assert_eq!(drawn, " ▁▄██");
        assert_eq!(height(5, 0), ' ');
    }

    #[test]
    fn columns_go_on_over_the_rows() {
        assert_eq!(rows(&[0, 1, 8, 12, 16], 16, 2), ["   ▄█", " ▁███"]);
        assert_eq!(rows(&[], 16, 2), ["", ""]);
    }

    #[test]
    fn a_bar_ends_within_a_character() {
        assert_eq!(bar(16, 16, 2), "██");
        assert_eq!(bar(11, 16, 2), "█▍");
        assert_eq!(bar(1, 1_000_000, 2), "▏");
        assert_eq!(bar(u64::MAX, u64::MAX, 2), "██");
    }
}
