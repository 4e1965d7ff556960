//! The command line over the catalogue.

fn main() -> std::process::ExitCode {
    counterpart::cli::main(counterpart_models::catalogue())
}
