//! The command line over the catalogue.

#[path = "benches/measured/mod.rs"]
mod measured;

fn main() -> std::process::ExitCode {
    counterpart::cli::main_with(counterpart_models::catalogue(), &measured::subjects())
}
