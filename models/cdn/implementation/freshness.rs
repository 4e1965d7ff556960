//! Whether a response may be stored, for how long it is fresh, and how old it is (RFC 9111 §3, §4.2).

use super::Config;
use super::control::{Directives, seconds};
use super::date;
use super::message::{Headers, Request, Response};

/// Statuses that may be given a heuristic lifetime (RFC 9110 §15.1). A part is taken for the 200 that it is a part of.
const HEURISTIC: [u16; 11] = [200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501];

/// Statuses whose caching this cache knows about, for `must-understand` (RFC 9111 §5.2.2.3).
const UNDERSTOOD: [u16; 30] = [
    200, 203, 204, 300, 301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 406, 408, 409, 410, 411, 412, 413, 414, 415,
    421, 500, 501, 502, 503, 504, 505,
];

/// What a response says of itself, as a shared cache takes it. Times are in seconds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Policy {
    /// How long it is fresh for.
    pub lifetime_s: u64,
    /// It is used only when it has been validated.
    pub no_cache: bool,
    /// It is not used when stale, whatever happens.
    pub must_revalidate: bool,
    /// How long after its life it may be used while it is asked for anew (RFC 5861 §3).
    pub while_revalidate_s: u64,
    /// How long after its life it may be used when asking fails (RFC 5861 §4).
    pub if_error_s: u64,
}

/// Why a response is not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unstored {
    /// It says that it must not be, or does not say that it may.
    Forbidden,
    /// It is for whoever sent `Authorization`.
    Authorized,
    /// What it varies on is not known.
    VariesOnAll,
    /// It is a part, or its status is not known.
    Status,
}

/// The directives that count, and whether they are targeted at caches like this one (RFC 9213 §2.2).
fn directives(config: &Config, headers: &Headers) -> (Directives, bool) {
    let targeted = config.targets.iter().find_map(|field| Directives::targeted(headers, field));
    targeted.map_or_else(|| (Directives::of(headers), false), |targeted| (targeted, true))
}

/// `Date` in seconds since 1970, or when it came.
pub fn date_s(response: &Response, now_s: i64) -> i64 {
    response.headers.text("date").and_then(|text| date::parse(text, now_s)).unwrap_or(now_s)
}

/// The age that the response had when it came, in milliseconds (RFC 9111 §4.2.3).
pub fn initial_age_ms(response: &Response, sent_ms: u64, now_ms: u64) -> u64 {
    let now_s = (now_ms / 1000).cast_signed();
    let apparent_s = now_s.saturating_sub(date_s(response, now_s)).max(0).cast_unsigned();
    // RFC 9111 §5.1: the first of a list counts; what is no number is passed over.
    let list = response.headers.list("age").unwrap_or_default();
    let age_s = seconds(list.split(',').next().unwrap_or_default().trim()).unwrap_or(0);
    let corrected_ms = (age_s * 1000).saturating_add(now_ms.saturating_sub(sent_ms));
    corrected_ms.max(apparent_s * 1000)
}

/// How a shared cache may use the response.
///
/// # Errors
/// It may not be stored.
pub fn policy(config: &Config, request: &Request, response: &Response, now_ms: u64) -> Result<Policy, Unstored> {
    let (control, is_targeted) = directives(config, &response.headers);
    let status = response.status;
    let understands = control.has("must-understand");
    if !(200..600).contains(&status) || [206, 304].contains(&status) || understands && !UNDERSTOOD.contains(&status) {
        return Err(Unstored::Status);
    }
    // RFC 9111 §5.2.2.3: who understands it disregards the no-store beside it.
    if control.has("no-store") && !understands || control.has("private") {
        return Err(Unstored::Forbidden);
    }
    if Directives::of(&request.headers).has("no-store") {
        return Err(Unstored::Forbidden);
    }
    let shares = ["public", "s-maxage", "must-revalidate"].iter().any(|name| control.has(name));
    if request.headers.has("authorization") && !shares {
        return Err(Unstored::Authorized);
    }
    if varies_on(&response.headers).iter().any(|field| field == "*") {
        return Err(Unstored::VariesOnAll);
    }
    let now_s = (now_ms / 1000).cast_signed();
    let explicit_s = explicit_s(&control, is_targeted, response, now_s);
    let may_guess = HEURISTIC.contains(&status) || control.has("public");
    if explicit_s.is_none() && !may_guess {
        return Err(Unstored::Forbidden);
    }
    let lifetime_s = explicit_s.unwrap_or_else(|| heuristic_s(config, response, now_s));
    let lifetime_s = if status >= 400 { lifetime_s.min(config.error_s_max) } else { lifetime_s };
    let forbids = ["must-revalidate", "proxy-revalidate", "no-cache"].iter().any(|name| control.has(name));
    Ok(Policy {
        lifetime_s,
        no_cache: control.has("no-cache"),
        must_revalidate: forbids || control.has("s-maxage") && config.s_maxage_forbids_stale,
        while_revalidate_s: control.seconds("stale-while-revalidate").or_zero().unwrap_or(0),
        if_error_s: control.seconds("stale-if-error").or_zero().unwrap_or(0).max(config.disconnected_s),
    })
}

/// RFC 9111 §4.2.1, without guessing.
fn explicit_s(control: &Directives, is_targeted: bool, response: &Response, now_s: i64) -> Option<u64> {
    let aged = control.seconds("s-maxage").or_zero().or(control.seconds("max-age").or_zero());
    if aged.is_some() || is_targeted {
        return aged;
    }
    let expires = response.headers.list("expires")?;
    // RFC 9111 §5.3: what is no date, `0` above all, is in the past.
    let Some(expires_s) = date::parse(&expires, now_s) else { return Some(0) };
    Some(expires_s.saturating_sub(date_s(response, now_s)).max(0).cast_unsigned())
}

/// RFC 9111 §4.2.2: a tenth of the time since it was changed.
fn heuristic_s(config: &Config, response: &Response, now_s: i64) -> u64 {
    let modified_s = response.headers.text("last-modified").and_then(|text| date::parse(text, now_s));
    let since_s = modified_s.map_or(0, |modified_s| date_s(response, now_s).saturating_sub(modified_s).max(0));
    (since_s / 10).cast_unsigned().min(config.heuristic_s_max)
}

/// The fields that `Vary` names, in lower case, in order, each once.
pub fn varies_on(headers: &Headers) -> Vec<String> {
    let list = headers.list("vary").unwrap_or_default().to_ascii_lowercase();
    let mut fields: Vec<String> =
        list.split(',').map(str::trim).filter(|field| !field.is_empty()).map(String::from).collect();
    fields.sort();
    fields.dedup();
    fields
}
