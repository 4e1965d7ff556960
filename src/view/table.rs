//! Tables, colours and numbers as a person reads them.

use std::fmt;

use anstyle::{AnsiColor, Style};

pub(super) const BOLD: Style = Style::new().bold();
pub(super) const DIM: Style = Style::new().dimmed();
pub(super) const GOOD: Style = AnsiColor::Green.on_default();
pub(super) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(super) const OPEN: Style = AnsiColor::Yellow.on_default();

pub(super) fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// Cells of a table, padded by their visible width. None is ever cut.
pub(super) struct Table {
    rows: Vec<Vec<(Style, String)>>,
    /// A cell that is wider moves those after it to the right, in its own row alone.
    column_max: usize,
}

impl Table {
    /// As wide as its widest cells.
    pub(super) fn new() -> Self {
        Table::with_columns_up_to(usize::MAX)
    }

    pub(super) fn with_columns_up_to(column_max: usize) -> Self {
        Table { rows: Vec::new(), column_max }
    }

    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = (Style, String)>) {
        self.rows.push(cells.into_iter().collect());
    }

    pub(super) fn render(&self, indent: &str) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| row.get(column));
                cells.map(|cell| width(&cell.1)).filter(|width| *width <= self.column_max).max().unwrap_or(0)
            })
            .collect();
        let mut text = String::new();
        for row in &self.rows {
            let mut line = indent.to_string();
            let last = row.iter().rposition(|(_, cell)| !cell.is_empty()).unwrap_or(0);
            for (column, (style, cell)) in row.iter().enumerate().take(last + 1) {
                line.push_str(&styled(*style, cell));
                if column < last {
                    line.extend(std::iter::repeat_n(' ', widths[column].saturating_sub(width(cell)) + 2));
                }
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

pub(super) fn width(text: &str) -> usize {
    text.chars().count()
}

pub(super) fn plain(text: impl Into<String>) -> (Style, String) {
    (Style::new(), text.into())
}

pub(super) fn dim(text: impl Into<String>) -> (Style, String) {
    (DIM, text.into())
}

pub(super) fn verdict<V: Copy + PartialEq + fmt::Display>(found: V, expected: V, incomplete: V) -> (Style, String) {
    match (found == expected, found == incomplete) {
        (true, true) => (OPEN, found.to_string()),
        (true, false) => (GOOD, found.to_string()),
        (false, _) => (BAD, format!("{found}, {expected} expected")),
    }
}

/// `1234567` as `1,234,567`.
pub(super) fn count(number: usize) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 step`, `1,234 steps`.
pub(super) fn counted(number: usize, noun: &str) -> String {
    let ending = match (noun.ends_with("propert"), number) {
        (true, 1) => "y",
        (true, _) => "ies",
        (false, 1) => "",
        (false, _) => "s",
    };
    format!("{} {noun}{ending}", count(number))
}
