//! nginx as it is started here: in the foreground, one process that does all, everything it writes below its folder.

use counterpart::conform::process::Process;

use crate::clock::Clock;
use crate::daemon::{Folder, NGINX, WITHIN};

/// Starts nginx with `http` in the part of its configuration of that name, by the true clock or by another.
///
/// # Panics
/// If it does not start.
pub(crate) fn start(folder: &Folder, http: &str, clock: Option<&Clock>) -> Process {
    let kept = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {}/{name};\n", folder.path().display()))
        .concat();
    // It forgets its environment but for what it is told to keep.
    let text = format!(
        "env FAKETIME_TIMESTAMP_FILE;\nenv FAKETIME_NO_CACHE;\ndaemon off;\nmaster_process off;\npid {}/pid;\nerror_log stderr notice;\nevents {{ }}\n\
         http {{ access_log off;\n{kept}{http}\n}}\n",
        folder.path().display()
    );
    let file = folder.write("nginx.conf", &text);
    let program = match clock {
        Some(clock) => clock.leads(&NGINX.installed_at()),
        None => NGINX.in_folder(folder),
    };
    let mut process = program.args(["-e", "stderr", "-c"]).arg(file).start().unwrap_or_else(|error| panic!("{error}"));
    // It listens before it says so.
    process.wait_for(|line| line.contains("using the \"epoll\""), WITHIN).unwrap_or_else(|error| panic!("{error}"));
    process
}
