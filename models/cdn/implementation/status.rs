//! What a node did with a request, as `Cache-Status` says it (RFC 9211).

use super::message::Response;

/// What was done, to be told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Told {
    /// Why it went upstream (RFC 9211 §2.2). `None`: it did not.
    pub(super) forward: Option<&'static str>,
    /// What came back (RFC 9211 §2.3).
    pub(super) forward_status: Option<u16>,
    /// Whether what came back was stored.
    pub(super) stored: bool,
    /// Whether it waited for another's request.
    pub(super) collapsed: bool,
    /// Seconds of life left, negative where it is over.
    pub(super) ttl_s: Option<i64>,
}

impl Told {
    /// Appends itself, last, where it is nearest to the client.
    pub(super) fn tell(&self, name: &str, response: &mut Response) {
        let mut text = name.to_string();
        match self.forward {
            None if self.ttl_s.is_some() => text.push_str("; hit"),
            None => text.push_str("; detail=local"),
            Some(forward) => text.push_str(&format!("; fwd={forward}")),
        }
        if let Some(status) = self.forward_status {
            text.push_str(&format!("; fwd-status={status}"));
        }
        if let Some(ttl_s) = self.ttl_s {
            text.push_str(&format!("; ttl={ttl_s}"));
        }
        if self.stored {
            text.push_str("; stored");
        }
        if self.collapsed {
            text.push_str("; collapsed");
        }
        response.headers.append("cache-status", text);
    }
}
