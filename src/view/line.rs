//! Lines for a terminal: styled letters, measured in columns, cut or wrapped where they do not fit.

use anstyle::Style;
use unicode_width::UnicodeWidthChar;

use super::table::styled;

/// A line of styled text.
#[derive(Clone, Debug, Default)]
pub(super) struct Line(Vec<(char, Style)>);

impl Line {
    pub(super) fn of(style: Style, text: &str) -> Line {
        let mut line = Line::default();
        line.push(style, text);
        line
    }

    pub(super) fn push(&mut self, style: Style, text: &str) {
        self.0.extend(text.chars().map(|letter| (letter, style)));
    }

    /// Adds blanks up to a column.
    pub(super) fn pad(&mut self, column: usize) {
        let blanks = column.saturating_sub(self.width());
        self.0.extend(std::iter::repeat_n((' ', Style::new()), blanks));
    }

    /// In columns of a terminal.
    pub(super) fn width(&self) -> usize {
        self.0.iter().map(|(letter, _)| columns(*letter)).sum()
    }

    /// As much of it as fits into `width` columns, with `more` at its end if that is not all.
    pub(super) fn cut(mut self, width: usize, more: &str) -> Line {
        self.trim();
        if self.width() <= width {
            return self;
        }
        let room = width.saturating_sub(more.chars().map(columns).sum());
        let fitting = self.fitting(0, room);
        self.0.truncate(fitting);
        let style = self.0.last().map(|(_, style)| *style).unwrap_or_default();
        if width > 0 {
            self.push(style, more);
        }
        self
    }

    /// All of it, in lines of at most `width` columns, broken at blanks where there are some; those after the first
    /// begin with `indent`.
    pub(super) fn wrapped(mut self, width: usize, indent: &Line) -> Vec<Line> {
        self.trim();
        let mut lines = Vec::new();
        let mut from = 0;
        let mut room = width;
        loop {
            let fits = self.fitting(from, room.max(2));
            let rest = &self.0[from..];
            let mut end = fits;
            if from + fits < self.0.len() {
                // Not so early that hardly anything is left on the line.
                let blank = rest[..=fits].iter().rposition(|(letter, _)| *letter == ' ');
                end = blank.filter(|blank| *blank > fits / 2).unwrap_or(fits).max(1);
            }
            let mut line = if lines.is_empty() { Line::default() } else { indent.clone() };
            line.0.extend(rest[..end].iter().copied());
            line.trim();
            lines.push(line);
            from += end;
            while self.0.get(from).is_some_and(|(letter, _)| *letter == ' ') {
                from += 1;
            }
            if from >= self.0.len() {
                return lines;
            }
            room = width.saturating_sub(indent.width());
        }
    }

    pub(super) fn render(&self) -> String {
        self.0
            .chunk_by(|left, right| left.1 == right.1)
            .map(|run| styled(run[0].1, &run.iter().map(|(letter, _)| letter).collect::<String>()))
            .collect()
    }

    /// How many letters after `from` fit into `room` columns.
    fn fitting(&self, from: usize, room: usize) -> usize {
        let mut taken = 0;
        let fits = |(letter, _): &&(char, Style)| {
            taken += columns(*letter);
            taken <= room
        };
        self.0[from..].iter().take_while(fits).count()
    }

    fn trim(&mut self) {
        while self.0.last().is_some_and(|(letter, _)| *letter == ' ') {
            self.0.pop();
        }
    }
}

fn columns(letter: char) -> usize {
    letter.width().unwrap_or(0)
}

/// Words as they may be sent to a terminal: what would steer it, or turn the direction of what stands beside, is shown
/// and not sent. With `ascii` no other letter is left.
pub(super) fn printable(text: &str, ascii: bool) -> String {
    let steers = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
            || ascii && !letter.is_ascii()
    };
    let shown = |letter: char| if steers(letter) { letter.escape_default().collect() } else { letter.to_string() };
    text.chars().map(shown).collect()
}
