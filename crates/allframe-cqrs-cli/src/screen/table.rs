use std::iter;

use super::{Colours, printable};

/// Rows of text under headings, each column as wide as what stands in it.
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
}

/// A column: its heading, and on which side what stands in it begins.
#[derive(Clone, Copy)]
pub(crate) enum Column {
    Text(&'static str),
    Number(&'static str),
}

impl Column {
    fn heading(self) -> &'static str {
        match self {
            Self::Text(heading) | Self::Number(heading) => heading,
        }
    }

    fn cell(self, text: &str, width: usize) -> String {
        let space: String =
            iter::repeat_n(' ', width.saturating_sub(console::measure_text_width(text))).collect();
        match self {
            Self::Text(_) => format!("{text}{space}"),
            Self::Number(_) => format!("{space}{text}"),
        }
    }
}

impl Table {
    pub(crate) fn new(columns: impl IntoIterator<Item = Column>) -> Self {
        Self { columns: columns.into_iter().collect(), rows: Vec::new() }
    }

    /// Names are those of whoever wrote the store: nothing in a cell is obeyed by a terminal.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().map(|cell| printable(&cell)).collect());
    }

    /// The lines, the headings first; none where there are no rows.
    pub(crate) fn lines(&self, colours: Colours) -> Vec<String> {
        if self.rows.is_empty() {
            return Vec::new();
        }
        let headings: Vec<String> = self.columns.iter().map(|column| column.heading().to_owned()).collect();
        let widths: Vec<usize> = (0..self.columns.len())
            .map(|place| {
                let cells = iter::once(&headings).chain(&self.rows).filter_map(|row| row.get(place));
                cells.map(|cell| console::measure_text_width(cell)).max().unwrap_or_default()
            })
            .collect();
        let line = |row: &Vec<String>| {
            let cells = row.iter().zip(&self.columns).zip(&widths);
            let cells: Vec<String> = cells.map(|((cell, column), width)| column.cell(cell, *width)).collect();
            cells.join("  ").trim_end().to_owned()
        };
        iter::once(colours.dim(line(&headings))).chain(self.rows.iter().map(line)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_column_is_as_wide_as_what_stands_in_it() {
        let mut table = Table::new([Column::Text("NAME"), Column::Number("EVENTS"), Column::Text("LAST")]);
        table.row(["a".to_owned(), "1".to_owned(), String::new()]);
        table.row(["Zürich ✈".to_owned(), "1234567".to_owned(), "x".to_owned()]);
        assert_eq!(
            table.lines(Colours::NONE),
            ["NAME       EVENTS  LAST", "a               1", "Zürich ✈  1234567  x"]
        );
    }

    #[test]
    fn a_name_is_shown_and_not_obeyed() {
        let mut table = Table::new([Column::Text("NAME")]);
        table.row(["\u{1b}[2J".to_owned()]);
        assert_eq!(table.lines(Colours::NONE), ["NAME", "\\u{1b}[2J"]);
    }

    #[test]
    fn without_rows_there_are_no_headings() {
        assert!(Table::new([Column::Text("NAME")]).lines(Colours::NONE).is_empty());
    }
}
