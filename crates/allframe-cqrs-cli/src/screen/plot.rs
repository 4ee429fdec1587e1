use super::{Colours, blocks};

/// Columns over time, with what the highest one is beside them, and the moments at both ends below.
pub(crate) fn plot(
    title: &str,
    values: &[u64],
    highest: &str,
    ends: (&str, &str),
    colours: Colours,
) -> Vec<String> {
    const ROWS: usize = 8;
    let margin = console::measure_text_width(highest).max(1);
    let most = values.iter().copied().max().unwrap_or_default();
    let mut lines = vec![colours.strong(title)];
    for (row, drawn) in blocks::rows(values, most, ROWS).into_iter().enumerate() {
        let label = if row == 0 { highest } else { "" };
        lines.push(format!("{label:>margin$} ┤{}", colours.drawn(drawn)).trim_end().to_owned());
    }
    lines.push(format!("{:>margin$} └{}", "0", "─".repeat(values.len())));
    let space = values.len().saturating_sub(ends.0.len() + ends.1.len());
    let line = match space {
        // Below each other, where there is no room for both.
        0 => format!("{} to {}", ends.0, ends.1),
        space => format!("{}{}{}", ends.0, " ".repeat(space), ends.1),
    };
    lines.push(format!("{:margin$}  {}", "", colours.dim(line)));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plot_has_its_highest_value_beside_it_and_its_ends_below() {
        let values: Vec<u64> = (0..24).collect();
        let drawn = plot("growth", &values, "23 k", ("monday", "tuesday"), Colours::NONE);
        insta::assert_snapshot!(drawn.join("\n"));
    }
}
