//! Requests and responses, as a cache needs them. Reading them off a connection, and its framing, is somebody else's work.

use std::sync::Arc;

/// Header fields, in order. Names are lower-case.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Headers(Vec<(String, Vec<u8>)>);

/// Fields of a connection, never stored nor sent on (RFC 9110 §7.6.1, RFC 9111 §3.1).
const OF_A_CONNECTION: [&str; 10] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authentication-info",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

impl Headers {
    /// No fields.
    pub fn new() -> Self {
        Headers::default()
    }

    /// Appends a line.
    pub fn append(&mut self, name: &str, value: impl Into<Vec<u8>>) {
        self.0.push((name.to_ascii_lowercase(), value.into()));
    }

    /// Replaces all lines of that name by one.
    pub fn set(&mut self, name: &str, value: impl Into<Vec<u8>>) {
        self.remove(name);
        self.append(name, value);
    }

    /// Takes all lines of that name out.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(own, _)| !own.eq_ignore_ascii_case(name));
    }

    /// The lines of that name.
    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.0.iter().filter(move |(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| &value[..])
    }

    /// The first line of that name, where it is visible ASCII.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.all(name).next().and_then(|value| std::str::from_utf8(value).ok()).map(str::trim)
    }

    /// All lines of that name as one list, as RFC 9110 §5.3 combines them. `None`: there is none.
    pub fn list(&self, name: &str) -> Option<String> {
        let lines: Vec<_> = self.all(name).map(|line| String::from_utf8_lossy(line).trim().to_string()).collect();
        (!lines.is_empty()).then(|| lines.join(", "))
    }

    /// Whether there is a line of that name.
    pub fn has(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }

    /// Name and value of each line.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(name, value)| (&name[..], &value[..]))
    }

    /// What they take in memory, about.
    pub fn bytes(&self) -> usize {
        self.0.iter().map(|(name, value)| name.len() + value.len() + 32).sum()
    }

    /// Without the fields of the connection, those that `Connection` names included.
    #[must_use]
    pub fn end_to_end(&self) -> Headers {
        let named = self.list("connection").unwrap_or_default().to_ascii_lowercase();
        let named: Vec<&str> = named.split(',').map(str::trim).collect();
        let stays = |name: &str| !OF_A_CONNECTION.contains(&name) && !named.contains(&name);
        Headers(self.0.iter().filter(|(name, _)| stays(name)).cloned().collect())
    }
}

impl<N: AsRef<str>, V: Into<Vec<u8>>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(lines: I) -> Self {
        let mut headers = Headers::new();
        lines.into_iter().for_each(|(name, value)| headers.append(name.as_ref(), value));
        headers
    }
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Request {
    /// Case counts (RFC 9110 §9.1).
    pub method: String,
    /// What is asked for.
    pub target: Target,
    /// Its fields.
    pub headers: Headers,
    /// Its content.
    pub body: Arc<[u8]>,
}

/// What is asked for, and what a stored response is found by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    /// Scheme, host and port: the origin (RFC 9110 §4.3.1), in lower case.
    pub origin: Arc<str>,
    /// Path and query. Case counts.
    pub path: Arc<str>,
}

impl Target {
    /// A target of `scheme://authority`. The scheme's own port is left out, as if it were not there.
    pub fn new(scheme: &str, authority: &str, path: &str) -> Self {
        let scheme = scheme.to_ascii_lowercase();
        let authority = authority.to_ascii_lowercase();
        let own_port = if scheme == "https" { ":443" } else { ":80" };
        let authority = authority.strip_suffix(own_port).or(authority.strip_suffix(':')).unwrap_or(&authority);
        Target { origin: format!("{scheme}://{authority}").into(), path: path.into() }
    }

    /// The target that `reference` names, seen from here (RFC 3986 §5.2, without dot segments). `None`: it is at another
    /// origin, or nowhere.
    pub fn resolve(&self, reference: &str) -> Option<Target> {
        let reference = reference.split('#').next().unwrap_or_default();
        let at = |path: &str| Target { origin: self.origin.clone(), path: path.into() };
        if let Some((scheme, rest)) = reference.split_once("://") {
            let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
            let path = if path.starts_with('/') { path.to_string() } else { format!("/{path}") };
            let other = Target::new(scheme, authority, &path);
            return (other.origin == self.origin).then_some(other);
        }
        if reference.is_empty() || reference.starts_with("//") || reference.contains(':') {
            return None;
        }
        if reference.starts_with('/') {
            return Some(at(reference));
        }
        let path = self.path.split('?').next().unwrap_or_default();
        if reference.starts_with('?') {
            return Some(at(&format!("{path}{reference}")));
        }
        let folder = &path[..path.rfind('/').map_or(0, |slash| slash + 1)];
        Some(at(&format!("{folder}{reference}")))
    }
}

impl Request {
    /// A request without content.
    pub fn new(method: &str, target: Target) -> Self {
        Request { method: method.into(), target, headers: Headers::new(), body: Arc::default() }
    }

    /// The same with a field more.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.append(name, value);
        self
    }

    /// Whether the method is one of those that change nothing (RFC 9110 §9.2.1). One that is not known may change
    /// anything.
    pub fn is_safe(&self) -> bool {
        ["GET", "HEAD", "OPTIONS", "TRACE"].contains(&&self.method[..])
    }

    /// Whether a stored response may answer it.
    pub fn is_lookup(&self) -> bool {
        self.method == "GET" || self.method == "HEAD"
    }
}

/// A response, whole.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Response {
    /// Its status, final: 200 and above.
    pub status: u16,
    /// Its fields.
    pub headers: Headers,
    /// Its content.
    pub body: Arc<[u8]>,
}

impl Response {
    /// A response without content.
    pub fn new(status: u16) -> Self {
        Response { status, headers: Headers::new(), body: Arc::default() }
    }

    /// The same with a field more.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.append(name, value);
        self
    }

    /// The same with content.
    #[must_use]
    pub fn of(mut self, body: &[u8]) -> Self {
        self.body = body.into();
        self
    }
}
