//! A cache in front of an origin: `cargo run --release -p counterpart-models --no-default-features --features cdn-front
//! --example cdn -- --origin http://127.0.0.1:8000 --listen 127.0.0.1:8080`.

use std::process::ExitCode;

use counterpart_models::cdn::front::{Front, Limits};
use counterpart_models::cdn::implementation::Config;
use tokio::net::TcpListener;

const USAGE: &str = "usage: cdn --origin http://HOST[:PORT] [--listen ADDR:PORT]";

/// The origin as `host:port`, and where to listen.
fn arguments(arguments: impl Iterator<Item = String>) -> Option<(String, String)> {
    let (mut origin, mut listen) = (None, "127.0.0.1:8080".to_string());
    let mut arguments = arguments.skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next()?;
        match &name[..] {
            "--origin" => origin = Some(value),
            "--listen" => listen = value,
            _ => return None,
        }
    }
    let origin = origin?.strip_prefix("http://")?.trim_end_matches('/').to_string();
    let has_port = origin.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let is_host = !origin.is_empty() && !origin.contains('/');
    is_host.then(|| (if has_port { origin } else { format!("{origin}:80") }, listen))
}

async fn run(origin: String, listen: &str) -> std::io::Result<()> {
    let listener = TcpListener::bind(listen).await?;
    eprintln!("listening on {}, in front of {origin}", listener.local_addr()?);
    match Front::new(Config::default(), origin, Limits::default()).serve(listener).await? {}
}

fn main() -> ExitCode {
    let Some((origin, listen)) = arguments(std::env::args()) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime.and_then(|runtime| runtime.block_on(run(origin, &listen))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{listen}: {error}");
            ExitCode::FAILURE
        }
    }
}
