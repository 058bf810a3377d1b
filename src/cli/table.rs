//! Tables: aligned columns on a terminal, tab-separated values in a pipe. Pure.

use super::words;

/// Rows of text below a line of headings.
#[derive(Debug)]
pub(super) struct Table {
    terminal: bool,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new(terminal: bool, headings: &[&str]) -> Self {
        Self { terminal, rows: vec![headings.iter().map(|text| (*text).to_owned()).collect()] }
    }

    /// Adds a row with as many cells as there are headings. A line break in a cell becomes a space.
    pub(super) fn row(&mut self, cells: Vec<String>) {
        let flat = |cell: String| cell.split_whitespace().collect::<Vec<_>>().join(" ");
        self.rows.push(cells.into_iter().map(flat).collect());
    }

    /// A number as this kind of table shows it: thousands are set apart for people only.
    pub(super) fn number(&self, value: u64) -> String {
        if self.terminal { words::number(value) } else { value.to_string() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.len() < 2
    }

    /// The table, without a line break at its end.
    pub(super) fn render(&self) -> String {
        let lines: Vec<String> = if self.terminal {
            let widths = self.widths();
            self.rows.iter().map(|row| aligned(row, &widths)).collect()
        } else {
            self.rows.iter().map(|row| row.join("\t")).collect()
        };
        lines.join("\n")
    }

    /// Each column's width in characters, and whether it holds numbers only.
    fn widths(&self) -> Vec<(usize, bool)> {
        let columns = self.rows.first().map_or(0, Vec::len);
        (0..columns)
            .map(|column| {
                let cells = || self.rows.iter().filter_map(move |row| row.get(column));
                let width = cells().map(|cell| cell.chars().count()).max().unwrap_or(0);
                (width, cells().skip(1).all(|cell| is_number(cell)))
            })
            .collect()
    }
}

fn is_number(cell: &str) -> bool {
    !cell.is_empty() && cell.chars().all(|c| c.is_ascii_digit() || c == ',')
}

fn aligned(row: &[String], widths: &[(usize, bool)]) -> String {
    let cells: Vec<String> = row
        .iter()
        .zip(widths)
        .map(
            |(cell, (width, number))| {
                if *number { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
            },
        )
        .collect();
    cells.join("  ").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(terminal: bool) -> Table {
        let mut table = Table::new(terminal, &["PROJECT", "ISSUES", "NOTE"]);
        let (few, many) = (table.number(7), table.number(12_000));
        table.row(vec!["A".to_owned(), few, "fine".to_owned()]);
        table.row(vec!["LONGER".to_owned(), many, "two\nlines\tand a tab".to_owned()]);
        table
    }

    #[test]
    fn a_terminal_gets_columns_with_numbers_to_the_right() {
        assert_eq!(
            table(true).render(),
            "PROJECT  ISSUES  NOTE\nA             7  fine\nLONGER   12,000  two lines and a tab"
        );
    }

    #[test]
    fn a_pipe_gets_tabs_and_plain_numbers() {
        assert_eq!(
            table(false).render(),
            "PROJECT\tISSUES\tNOTE\nA\t7\tfine\nLONGER\t12000\ttwo lines and a tab"
        );
    }

    #[test]
    fn headings_alone_are_an_empty_table() {
        assert!(Table::new(true, &["A"]).is_empty());
        assert!(!table(true).is_empty());
    }
}
