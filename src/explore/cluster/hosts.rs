//! Who belongs to a cluster, and which of them this process is.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use super::ClusterError;
use crate::explore::Equality;

/// The processes of a cluster, and which of them this one is.
#[derive(Debug)]
pub struct ClusterConfig {
    pub(super) addresses: Vec<String>,
    pub(super) process: usize,
    listener: Option<TcpListener>,
    pub(super) wait: Duration,
    pub(super) divided_from: usize,
    pub(super) what: String,
}

impl ClusterConfig {
    /// How long processes are waited for unless something else is said.
    pub const WAIT: Duration = Duration::from_secs(60);

    /// Process `process`, counted from 0, of those that listen at `addresses` (`host:port`).
    ///
    /// # Errors
    /// There is no such process, an address is none, or it is there twice.
    pub fn new(addresses: impl IntoIterator<Item = String>, process: usize) -> Result<Self, ClusterError> {
        let addresses: Vec<String> = addresses.into_iter().collect();
        let mut met = BTreeSet::new();
        for (index, address) in addresses.iter().enumerate() {
            let port = address.rsplit_once(':').filter(|(host, _)| !host.is_empty()).map(|(_, port)| port);
            if port.and_then(|port| port.parse::<u16>().ok()).is_none_or(|port| port == 0) {
                return Err(ClusterError::Hosts { what: format!("address {index}, {address:?}, is not one") });
            }
            if !met.insert(address) {
                return Err(ClusterError::Hosts { what: format!("address {index}, {address:?}, is there twice") });
            }
        }
        if process >= addresses.len() {
            let what = format!("there are {} addresses and no process {process}", addresses.len());
            return Err(ClusterError::Hosts { what });
        }
        Ok(ClusterConfig {
            addresses,
            process,
            listener: None,
            wait: Self::WAIT,
            divided_from: Equality::EXACT_STATES_MAX,
            what: String::new(),
        })
    }

    /// Process `process` of those in a file: an address on each line; empty lines and those that begin with `#` are left
    /// out.
    ///
    /// # Errors
    /// As [`new`](Self::new); or the file cannot be read.
    pub fn from_file(path: &Path, process: usize) -> Result<Self, ClusterError> {
        let told = |what: String| ClusterError::Hosts { what: format!("{}: {what}", path.display()) };
        let text = std::fs::read_to_string(path).map_err(|error| told(error.to_string()))?;
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        ClusterConfig::new(lines.map(String::from), process).map_err(|error| match error {
            ClusterError::Hosts { what } => told(what),
            other => other,
        })
    }

    /// Ports of this machine for so many processes, each listened at already.
    ///
    /// # Errors
    /// The operating system has none.
    pub fn on_loopback(processes: usize) -> std::io::Result<Vec<ClusterConfig>> {
        let listeners = (0..processes.max(1)).map(|_| TcpListener::bind(("127.0.0.1", 0)));
        let listeners = listeners.collect::<std::io::Result<Vec<_>>>()?;
        let addresses = listeners.iter().map(|listener| Ok(listener.local_addr()?.to_string()));
        let addresses = addresses.collect::<std::io::Result<Vec<String>>>()?;
        let configs = listeners.into_iter().enumerate().map(|(process, listener)| {
            let config = ClusterConfig::new(addresses.clone(), process).map_err(std::io::Error::other)?;
            Ok(config.listening(listener))
        });
        configs.collect()
    }

    /// Listens with what is bound already, to the address of this process or one that is led there.
    #[must_use]
    pub fn listening(mut self, listener: TcpListener) -> Self {
        self.listener = Some(listener);
        self
    }

    /// How long the other processes are waited for. Default 60 s.
    #[must_use]
    pub fn wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// States that each process explores by itself: the work is divided at the first level that is begun with more.
    /// Default 100,000, since so many are compared by `==`. Where states that differ had the same hash among them nothing
    /// is divided, and each process explores all.
    #[must_use]
    pub fn divided_from(mut self, states: usize) -> Self {
        self.divided_from = states;
        self
    }

    /// What else the processes have to agree in: the model's parameters, which its type does not tell.
    #[must_use]
    pub fn describing(mut self, what: impl Into<String>) -> Self {
        self.what = what.into();
        self
    }

    /// The addresses of all processes.
    pub fn addresses(&self) -> &[String] {
        &self.addresses
    }

    /// What was bound already, taken out, so that it can be handed to another process.
    pub fn take_listener(&mut self) -> Option<TcpListener> {
        self.listener.take()
    }

    /// What this process is called at.
    pub(super) fn listener(&self) -> Result<TcpListener, ClusterError> {
        let address = &self.addresses[self.process];
        let listener = self.listener.as_ref().map_or_else(|| TcpListener::bind(address), TcpListener::try_clone);
        listener.map_err(|error| ClusterError::Address { address: address.clone(), why: error.to_string() })
    }

    pub(super) fn lost(&self, process: usize) -> ClusterError {
        ClusterError::Lost { process, address: self.addresses[process].clone() }
    }
}
