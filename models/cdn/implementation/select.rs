//! Which stored response answers a request, and with what part of it (RFC 9111 §4.1, RFC 9110 §13, §14).

use super::date;
use super::message::{Headers, Request, Response};

/// What a field of a request selects by: all its lines as one, without the space around commas (RFC 9111 §4.1).
pub fn selecting(headers: &Headers, field: &str) -> Option<String> {
    let list = headers.list(field)?;
    let mut members: Vec<String> = list.split(',').map(|member| member.trim().to_string()).collect();
    // Of a list of languages neither order nor case says anything: the weights do (RFC 9110 §12.5.4).
    if field == "accept-language" {
        members.iter_mut().for_each(|member| *member = member.to_ascii_lowercase().replace(' ', ""));
        members.sort();
    }
    Some(members.join(","))
}

fn opaque(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

/// Entity tags of a list: commas inside the quotes are a tag's own.
fn tags(list: &str) -> Vec<&str> {
    let (mut tags, mut rest) = (Vec::new(), list);
    while let Some(begin) = rest.find('"') {
        let Some(length) = rest[begin + 1..].find('"') else { break };
        let from = if rest[..begin].ends_with("W/") { begin - 2 } else { begin };
        tags.push(&rest[from..begin + length + 2]);
        rest = &rest[begin + length + 2..];
    }
    tags
}

/// Whether what the client has is what it would get, so that a 304 is enough (RFC 9110 §13.2.2).
pub fn is_not_modified(request: &Request, response: &Response, date_s: i64, now_s: i64) -> bool {
    if response.status != 200 {
        return false;
    }
    if let Some(list) = request.headers.list("if-none-match") {
        let tag = response.headers.text("etag");
        return list.trim() == "*" || tag.is_some_and(|own| tags(&list).iter().any(|tag| opaque(tag) == opaque(own)));
    }
    let Some(since_s) = request.headers.text("if-modified-since").and_then(|text| date::parse(text, now_s)) else {
        return false;
    };
    let modified_s = response.headers.text("last-modified").and_then(|text| date::parse(text, now_s));
    modified_s.unwrap_or(date_s) <= since_s
}

/// The 304 of a response (RFC 9110 §15.4.5).
pub fn not_modified(response: &Response) -> Response {
    let stays = ["age", "cache-control", "cdn-cache-control", "content-location", "date", "etag", "expires", "vary"];
    let lines = response.headers.iter().filter(|(name, _)| stays.contains(name) || *name == "last-modified");
    Response { status: 304, headers: lines.map(|(name, value)| (name, value.to_vec())).collect(), body: [].into() }
}

/// What a range asks for of `length` bytes: first and last, 0-based. `None`: several, or none that can be read, which
/// counts as if nothing had been asked for. `Some(None)`: it cannot be given.
fn range(text: &str, length: usize) -> Option<Option<(usize, usize)>> {
    let (first, last) = text.strip_prefix("bytes=")?.trim().split_once('-')?;
    let number =
        |text: &str| (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse());
    if first.is_empty() {
        let count: usize = number(last)?.ok()?;
        return Some((count > 0 && length > 0).then(|| (length - count.min(length), length - 1)));
    }
    let first: usize = number(first)?.unwrap_or(usize::MAX);
    let last = if last.is_empty() { usize::MAX } else { number(last)?.unwrap_or(usize::MAX) };
    if last < first {
        return None;
    }
    Some((first < length).then(|| (first, last.min(length - 1))))
}

/// Where the part of a whole is that a response has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Part {
    /// Its first octet, 0-based.
    pub first: usize,
    /// Octets of the whole.
    pub length: usize,
}

impl Part {
    /// The part that `response` has, by its `Content-Range` (RFC 9110 §14.4). `None`: several, of a whole of which the length
    /// is not known, or other than its content is long.
    pub fn of(response: &Response) -> Option<Part> {
        let mut lines = response.headers.all("content-range");
        let line = std::str::from_utf8(lines.next()?).ok().filter(|_| lines.next().is_none())?;
        let (range, length) = line.trim().strip_prefix("bytes ")?.split_once('/')?;
        let (first, last) = range.split_once('-')?;
        let (first, last, length) = (octets(first)?, octets(last)?, octets(length)?);
        let fits = first <= last && last < length && last - first == response.body.len().checked_sub(1)?;
        fits.then_some(Part { first, length })
    }

    /// This part, of content `own`, and another of the same whole put together. `None`: there is something between them.
    pub fn joined(self, own: &[u8], other: Part, others: &[u8]) -> Option<(Part, Vec<u8>)> {
        let (end, other_end) = (self.first + own.len(), other.first + others.len());
        if other.first > end || self.first > other_end {
            return None;
        }
        let first = self.first.min(other.first);
        let mut content = vec![0; end.max(other_end) - first];
        content[self.first - first..end - first].copy_from_slice(own);
        content[other.first - first..other_end - first].copy_from_slice(others);
        Some((Part { first, ..self }, content))
    }

    /// What the request asks for of a part of content `own`, first and last octet in it. `None`: more than that, or all, or
    /// something else if a condition holds.
    pub fn answers(self, own: &[u8], tag: Option<&str>, request: &Request) -> Option<(usize, usize)> {
        let has = |field: &str| request.headers.has(field);
        let is_other = has("if-range") && request.headers.text("if-range") != tag;
        if request.method != "GET" || is_other || has("if-none-match") || has("if-modified-since") {
            return None;
        }
        let (first, last) = range(request.headers.text("range")?, self.length)??;
        let is_there = first >= self.first && last < self.first + own.len();
        is_there.then(|| (first - self.first, last - self.first))
    }
}

fn octets(digits: &str) -> Option<usize> {
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().ok())?
}

/// The part that the request asks for, of a whole response (RFC 9110 §14.2). `If-Range` is heeded.
pub fn ranged(request: &Request, response: Response, now_s: i64) -> Response {
    let asked = request.headers.text("range").filter(|_| request.method == "GET" && response.status == 200);
    let Some(asked) = asked else { return response };
    if let Some(validator) = request.headers.text("if-range") {
        let is_tag = validator.starts_with('"') && response.headers.text("etag") == Some(validator);
        let modified = response.headers.text("last-modified").and_then(|text| date::parse(text, now_s));
        let is_date = modified.is_some() && date::parse(validator, now_s) == modified;
        if !is_tag && !is_date {
            return response;
        }
    }
    let length = response.body.len();
    match range(asked, length) {
        None => response,
        Some(None) => Response::new(416).with("content-range", &format!("bytes */{length}")),
        Some(Some((first, last))) => {
            let mut part = Response { status: 206, body: response.body[first..=last].into(), ..response };
            part.headers.set("content-range", format!("bytes {first}-{last}/{length}"));
            part.headers.remove("content-length");
            part
        }
    }
}
