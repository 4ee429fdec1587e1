use super::{Colours, Span, blocks};

/// When there were events: a row of characters, each a part of the time and as high as there are events in it. Times in
/// which there was nothing for long are cut out, with how long they were in their place.
///
/// The moments, in microseconds, have to rise.
pub(crate) fn time_line(moments: &[i64], width: usize, colours: Colours) -> String {
    let parts = parts(moments, width / ROOM_A_GAP);
    let gaps: Vec<String> = parts.windows(2).map(gap).collect();
    let taken: usize = 2 + gaps.iter().map(|gap| console::measure_text_width(gap)).sum::<usize>();
    let room = width.saturating_sub(taken).max(parts.len());
    let columns = share_out(&parts, room);

    let counts: Vec<Vec<u64>> =
        parts.iter().zip(columns).map(|(part, columns)| buckets(part, columns)).collect();
    let most = counts.iter().flatten().copied().max().unwrap_or_default();
    let mut line = String::new();
    let mut gaps = gaps.into_iter();
    for counts in counts {
        line += &colours.drawn(counts.iter().map(|count| blocks::height(*count, most)).collect::<String>());
        if let Some(gap) = gaps.next() {
            line += &colours.dim(gap);
        }
    }
    format!("│{line}│")
}

/// So many characters are worth telling of a gap in them.
const ROOM_A_GAP: usize = 24;

/// The moments without the longest times between them: those that are a tenth of the whole, and no more than these.
fn parts(moments: &[i64], most_gaps: usize) -> Vec<&[i64]> {
    let whole = span(moments);
    let mut gaps: Vec<(u64, usize)> = moments
        .windows(2)
        .enumerate()
        .map(|(place, pair)| (span(pair), place + 1))
        .filter(|(gap, _)| *gap > 0 && *gap >= whole.div_ceil(10))
        .collect();
    // Where it is nothing but gaps, what is in between says more than their lengths do.
    if moments.len() <= 3 {
        gaps.clear();
    }
    gaps.sort_unstable_by(|gap, other| other.cmp(gap));
    gaps.truncate(most_gaps);
    let mut cuts: Vec<usize> = gaps.into_iter().map(|(_, place)| place).collect();
    cuts.sort_unstable();
    let mut parts = Vec::new();
    let (mut rest, mut begin) = (moments, 0);
    for cut in cuts {
        if let Some((part, behind)) = rest.split_at_checked(cut - begin) {
            parts.push(part);
            (rest, begin) = (behind, cut);
        }
    }
    parts.push(rest);
    parts
}

fn gap(pair: &[&[i64]]) -> String {
    let ends = pair.first().and_then(|part| part.last()).zip(pair.last().and_then(|part| part.first()));
    let (before, behind) = ends.unwrap_or((&0, &0));
    format!(" ⋯ {} ⋯ ", Span(behind.abs_diff(*before)))
}

fn span(moments: &[i64]) -> u64 {
    moments.first().zip(moments.last()).map_or(0, |(first, last)| last.abs_diff(*first))
}

/// How many characters each part gets: as many as it is long, one at least, and all of them together.
fn share_out(parts: &[&[i64]], room: usize) -> Vec<usize> {
    let whole: u128 = parts.iter().map(|part| u128::from(span(part))).sum::<u128>().max(1);
    let free = room.saturating_sub(parts.len());
    let more = |part: &&[i64]| usize::try_from(u128::from(span(part)) * free as u128 / whole).unwrap_or(free);
    parts.iter().map(|part| 1 + more(part)).collect()
}

/// How many of the moments there are in each of so many parts of their time.
fn buckets(moments: &[i64], columns: usize) -> Vec<u64> {
    let mut counts = vec![0; columns];
    let (first, whole) = (moments.first().copied().unwrap_or_default(), u128::from(span(moments)) + 1);
    for moment in moments {
        let place = u128::from(moment.abs_diff(first)) * columns as u128 / whole;
        if let Some(count) = usize::try_from(place).ok().and_then(|place| counts.get_mut(place)) {
            *count += 1;
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000_000;

    fn drawn(moments: &[i64]) -> String {
        time_line(moments, 40, Colours::NONE)
    }

    #[test]
    fn a_column_is_as_high_as_there_are_events_in_its_time() {
        let mut moments: Vec<i64> = (0..38).collect();
        moments.extend([37; 7]);
        assert_eq!(drawn(&moments), format!("│{}█│", "▁".repeat(37)));
    }

    #[test]
    fn a_long_time_without_events_is_cut_out_and_told() {
        let moments: Vec<i64> = (0..5).chain(72 * HOUR..72 * HOUR + 5).collect();
        assert_eq!(drawn(&moments), "│█ █  █  █  █   ⋯ 3 d ⋯ █ █  █  █  █  │");
    }

    #[test]
    fn of_few_events_nothing_is_cut_out() {
        assert_eq!(drawn(&[5]), format!("│█{}│", ""));
        assert_eq!(drawn(&[0, HOUR]), format!("│█{}█│", " ".repeat(36)));
        assert_eq!(drawn(&[]), "│ │");
    }

    #[test]
    fn it_is_never_wider_than_it_may_be() {
        for width in [20, 40, 200] {
            for step in [0, 1, 7, HOUR, i64::MAX / 100] {
                let moments: Vec<i64> = (0..50).map(|number| number * step / 50).collect();
                let line = time_line(&moments, width, Colours::NONE);
                assert!(console::measure_text_width(&line) <= width, "{line}");
            }
        }
        let far = [i64::MIN, 0, 1, i64::MAX];
        assert!(!drawn(&far).is_empty());
    }
}
