//! nginx as it is started here: in the foreground, one process that does all, everything it writes below its folder.

use counterpart::conform::process::Process;

use crate::daemon::{Folder, NGINX, WITHIN};

/// Starts nginx with `http` in the part of its configuration of that name, and with these variables in its environment.
///
/// # Panics
/// If it does not start.
pub(crate) fn start(folder: &Folder, http: &str, variables: &[(&str, &str)]) -> Process {
    let kept = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {}/{name};\n", folder.path().display()))
        .concat();
    let text = format!(
        "daemon off;\nmaster_process off;\npid {}/pid;\nerror_log stderr notice;\nevents {{ }}\n\
         http {{ access_log off;\n{kept}{http}\n}}\n",
        folder.path().display()
    );
    let file = folder.write("nginx.conf", &text);
    let mut program = NGINX.in_folder(folder).args(["-e", "stderr", "-c"]).arg(file);
    for (name, value) in variables {
        program = program.env(name, value);
    }
    let mut process = program.start().unwrap_or_else(|error| panic!("{error}"));
    // It listens before it says so.
    process.wait_for(|line| line.contains("using the \"epoll\""), WITHIN).unwrap_or_else(|error| panic!("{error}"));
    process
}
