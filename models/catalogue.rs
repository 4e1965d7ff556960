//! The list of all cases, which the command line, the tests and the READMEs read.

use counterpart::Case;

/// What a protocol's folder gives to the catalogue.
#[derive(Clone, Copy, Debug)]
pub struct Protocol {
    /// Name of its folder; it stands before the `/` in the names of its cases.
    pub name: &'static str,
    /// Its cases.
    pub cases: fn() -> Vec<Case>,
    /// Texts and pictures of its models that its folder shows, beside the tables of verdicts and subjects that every
    /// README may have.
    pub generated: fn() -> Vec<Generated>,
    /// What is drawn of its cases. The folder keeps each picture as a file.
    pub pictures: &'static [Drawn],
}

/// A picture of a case.
#[derive(Clone, Copy, Debug)]
pub struct Drawn {
    /// The file that keeps it, seen from the protocol's folder.
    pub file: &'static str,
    /// The case's full name.
    pub case: &'static str,
    /// What is to be seen.
    pub caption: &'static str,
    /// Draws it, as SVG.
    pub draw: fn() -> String,
}

/// Text that a run makes and the repository keeps; a test compares the two.
#[derive(Clone, Debug)]
pub struct Generated {
    /// The file, seen from the protocol's folder.
    pub file: &'static str,
    /// The part between `<!-- part: generated -->` and `<!-- part: end -->` that it fills; `None`: the whole file.
    pub part: Option<&'static str>,
    /// The text that belongs there.
    pub text: String,
}

impl Generated {
    /// A part of the folder's README.
    pub fn part(part: &'static str, text: String) -> Self {
        Generated { file: "README.md", part: Some(part), text }
    }

    /// A file of its own.
    pub fn file(file: &'static str, text: String) -> Self {
        Generated { file, part: None, text }
    }
}

/// Every case of every protocol.
pub fn catalogue() -> Vec<Case> {
    let pictured = |protocol: &Protocol, case: Case| {
        let own = protocol.pictures.iter().filter(|picture| picture.case == case.name()).collect::<Vec<_>>();
        own.into_iter().fold(case, |case, picture| case.picture(picture.caption, picture.draw))
    };
    let cases = |protocol: &'static Protocol| (protocol.cases)().into_iter().map(move |case| pictured(protocol, case));
    crate::PROTOCOLS.iter().flat_map(cases).collect()
}

/// `IgnoresPromise` as `ignores_promise`: how a defect is named among cases and subjects.
#[allow(dead_code, reason = "not every protocol alone has a use for it")]
pub(crate) fn snake(name: impl std::fmt::Debug) -> String {
    let mut snake = String::new();
    for letter in format!("{name:?}").chars() {
        if letter.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}
