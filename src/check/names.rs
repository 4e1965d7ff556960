//! The known name that was meant by one that nothing bears.

/// The one of `known` that is most like `name`; of several the first.
pub(super) fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    known.iter().copied().min_by_key(|other| distance(name, other))
}

/// How many characters have to be put in, taken out or changed to make one text of the other. Source: V. Levenshtein,
/// "Binary codes capable of correcting deletions, insertions, and reversals", 1966.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    // By how much of `to`: what it takes to make that of what was read of `from`.
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (read, left) in from.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], read + 1);
        for (index, right) in to.iter().enumerate() {
            let changed = diagonal + usize::from(left != *right);
            diagonal = row[index + 1];
            row[index + 1] = changed.min(diagonal + 1).min(row[index] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::{distance, nearest};

    #[test]
    fn distances_are_those_of_the_textbook() {
        for (one, other, expected) in
            [("", "", 0), ("", "abc", 3), ("kitten", "sitting", 3), ("flaw", "lawn", 2), ("ä", "a", 1)]
        {
            assert_eq!((distance(one, other), distance(other, one)), (expected, expected), "{one} {other}");
        }
    }

    #[test]
    fn the_nearest_name_is_found() {
        assert_eq!(nearest("half opne", &["closed", "half open", "open"]), Some("half open"));
        assert_eq!(nearest("x", &[]), None);
    }
}
