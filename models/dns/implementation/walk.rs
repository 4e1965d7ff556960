//! One client's question on its way down from the root.

use std::net::SocketAddr;
use std::sync::Arc;

use super::core::Response;
use super::name::{Name, Question, Record};
use crate::dns::work::implementation::Resolution;

/// A name that is looked for, and where.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub(super) question: Question,
    /// The zone whose servers are asked.
    pub(super) zone: Name,
    /// Their addresses, as far as they are known.
    pub(super) servers: Vec<SocketAddr>,
    /// Their names; the root's are not needed.
    pub(super) names: Arc<[Name]>,
    pub(super) over_tcp: bool,
}

/// A question that is looked for; the name of each server that is needed for it and has no known address is looked for
/// on top of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Walk {
    pub(super) resolution: Resolution,
    /// The client's question first. As many as the resolution looks for.
    pub(super) places: Vec<Place>,
    /// CNAMEs that were followed from the client's name.
    pub(super) chain: Vec<Record>,
    pub(super) end: Option<Response>,
}

impl Walk {
    /// Whether what is looked for is the client's, and not a server's.
    pub(super) fn is_at_clients(&self) -> bool {
        self.places.len() == 1
    }

    /// What has come of it, if anything.
    pub(super) fn response(self) -> Response {
        match self.end {
            None => Response::Failure,
            Some(end) if self.chain.is_empty() => end,
            Some(end) => Response::Alias { chain: self.chain, end: Box::new(end) },
        }
    }
}
