//! What a message says about caching: `Cache-Control` (RFC 9111 §5.2), and fields targeted at some caches (RFC 9213).

use super::message::Headers;

/// What RFC 9111 §1.2.2 takes for "more than can be counted".
const MOST_S: u64 = 1 << 31;

/// Directives, by name in lower case, with their value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Directives(Vec<(String, Option<String>)>);

/// How a value is to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Seconds {
    /// The directive is not there.
    Absent,
    /// So many, 2³¹ at most.
    Of(u64),
    /// It is there, and says nothing that can be relied on: no number, or two of them.
    Unreadable,
}

impl Seconds {
    /// The number, where there is one. What cannot be read counts as 0: RFC 9111 §4.2.1 would rather have it stale.
    pub fn or_zero(self) -> Option<u64> {
        match self {
            Seconds::Absent => None,
            Seconds::Of(seconds) => Some(seconds),
            Seconds::Unreadable => Some(0),
        }
    }
}

/// Digits as seconds, cut to 2³¹.
pub fn seconds(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(MOST_S).min(MOST_S))
}

/// Splits at commas outside quotes.
fn members(list: &str) -> Vec<&str> {
    let (mut members, mut begin, mut is_quoted, mut is_escaped) = (Vec::new(), 0, false, false);
    for (at, letter) in list.char_indices() {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => {
                members.push(list[begin..at].trim());
                begin = at + 1;
            }
            _ => {}
        }
    }
    members.push(list[begin..].trim());
    members.retain(|member| !member.is_empty());
    members
}

fn unquoted(value: &str) -> String {
    match value.strip_prefix('"').and_then(|value| value.strip_suffix('"')) {
        Some(inner) => inner.replace("\\\"", "\"").replace("\\\\", "\\"),
        None => value.to_string(),
    }
}

impl Directives {
    /// Those of `Cache-Control`, all its lines together.
    pub fn of(headers: &Headers) -> Self {
        let list = headers.list("cache-control").unwrap_or_default();
        let directive = |member: &str| match member.split_once('=') {
            None => (member.to_ascii_lowercase(), None),
            Some((name, value)) => (name.to_ascii_lowercase(), Some(unquoted(value))),
        };
        Directives(members(&list).into_iter().map(directive).collect())
    }

    /// Those of a targeted field: a Dictionary of RFC 9651 §3.2. `None`: it is not there, empty, or none.
    pub fn targeted(headers: &Headers, field: &str) -> Option<Self> {
        let list = headers.list(field)?;
        if list.trim_end().ends_with(',') {
            return None;
        }
        let mut directives: Vec<(String, Option<String>)> = Vec::new();
        for member in members(&list) {
            // Parameters are not looked at.
            let (item, _) = member.split_once(';').unwrap_or((member, ""));
            let (name, value) = item.split_once('=').map_or((item, None), |(name, value)| (name, Some(value)));
            if !is_key(name) {
                return None;
            }
            let value = match value {
                None | Some("?1") => None,
                Some("?0") => {
                    directives.retain(|(known, _)| known != name);
                    continue;
                }
                Some(value) => Some(bare_item(value)?),
            };
            // The last of a name counts.
            directives.retain(|(known, _)| known != name);
            directives.push((name.to_string(), value));
        }
        (!directives.is_empty()).then_some(Directives(directives))
    }

    /// Whether the directive is there.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    /// Its value in seconds. Of two that differ neither is believed (RFC 9111 §4.2.1).
    pub fn seconds(&self, name: &str) -> Seconds {
        let mut found = Seconds::Absent;
        for (_, value) in self.0.iter().filter(|(known, _)| known == name) {
            let this = value.as_deref().and_then(seconds).map_or(Seconds::Unreadable, Seconds::Of);
            found = if found == Seconds::Absent || found == this { this } else { Seconds::Unreadable };
        }
        found
    }
}

/// RFC 9651 §3.1.2.
fn is_key(name: &str) -> bool {
    let begins = name.starts_with(|first: char| first.is_ascii_lowercase() || first == '*');
    begins && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-.*".contains(c))
}

/// The value of an Item of RFC 9651 §3.3, as text. A string keeps its quotes, so that it is no number.
fn bare_item(value: &str) -> Option<String> {
    let is_number = |text: &str| {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
        let all = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        all(whole) && whole.len() <= 15 && all(part) && part.len() <= 3
    };
    let is_string = value.len() >= 2 && value.starts_with('"') && value.ends_with('"');
    let is_token = value.starts_with(|first: char| first.is_ascii_alphabetic() || first == '*')
        && value.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~:/".contains(c));
    (is_number(value) || is_string || is_token).then(|| value.to_string())
}

/// The Strings of a List of RFC 9651 §3.1: names of groups (RFC 9875). A list that is none names nothing.
pub fn strings(headers: &Headers, field: &str) -> Vec<String> {
    let list = headers.list(field).unwrap_or_default();
    let string = |member: &str| {
        let quoted = member.strip_prefix('"')?;
        let (inner, rest) = quoted.split_once('"')?;
        (!inner.contains('\\') && (rest.is_empty() || rest.starts_with(';'))).then(|| inner.to_string())
    };
    members(&list).into_iter().map(string).collect::<Option<_>>().unwrap_or_default()
}
