//! Processes of one machine: each runs the same command, and listens with its standard input.

use std::ffi::OsStr;
use std::io;
use std::net::TcpListener;
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command, Stdio};

use crate::explore::ClusterConfig;

/// What a process is that another one started: its number, and all addresses.
const MEMBER: &str = "COUNTERPART_MEMBER";

/// A process that another one started, by what that said.
pub(in crate::cli) struct Member(String);

/// Processes that this one started. They end with it.
#[derive(Default)]
pub(in crate::cli) struct Others {
    children: Vec<Child>,
    /// Whether this process is such a one itself.
    pub(in crate::cli) began_this_one: bool,
}

/// Starts all processes but this one, which is the first, with these arguments.
pub(in crate::cli) fn began(arguments: &[impl AsRef<OsStr>], processes: usize) -> io::Result<(ClusterConfig, Others)> {
    let mut configs = ClusterConfig::on_loopback(processes)?;
    let mut others = Others::default();
    for (process, config) in configs.iter_mut().enumerate().skip(1) {
        let listener = config.take_listener().ok_or(io::ErrorKind::NotConnected)?;
        let mut command = Command::new(std::env::current_exe()?);
        command.args(arguments);
        command.env(MEMBER, format!("{process} {}", config.addresses().join(" ")));
        command.stdin(Stdio::from(OwnedFd::from(listener))).stdout(Stdio::null());
        others.children.push(command.spawn()?);
    }
    Ok((configs.swap_remove(0), others))
}

impl Member {
    /// `None` where nobody else started this process.
    pub(in crate::cli) fn of_this_process() -> Option<Self> {
        std::env::var(MEMBER).ok().map(Member)
    }

    pub(in crate::cli) fn config(&self) -> Result<ClusterConfig, String> {
        let told = |error: &dyn std::fmt::Display| format!("{MEMBER}={:?}: {error}", self.0);
        let mut words = self.0.split(' ');
        let process = words.next().unwrap_or_default().parse().map_err(|error| told(&error))?;
        let listener = io::stdin().as_fd().try_clone_to_owned().map(TcpListener::from).map_err(|error| told(&error))?;
        let config = ClusterConfig::new(words.map(String::from), process).map_err(|error| told(&error))?;
        Ok(config.listening(listener))
    }
}

impl Others {
    /// None, in a process that another one started.
    pub(in crate::cli) fn of_another() -> Self {
        Others { children: Vec::new(), began_this_one: true }
    }

    /// Waits until they have ended.
    pub(in crate::cli) fn wait(&mut self) -> io::Result<()> {
        self.children.iter_mut().try_for_each(|child| child.wait().map(|_| ()))
    }
}

impl Drop for Others {
    fn drop(&mut self) {
        for child in &mut self.children {
            // One that has ended already is not there to be ended.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
