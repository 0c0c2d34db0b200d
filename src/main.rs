//! The `bridgehead` program: see `bridgehead --help`, and the library's documentation for the architecture.

use std::process::ExitCode;

fn main() -> ExitCode {
    bridgehead::cli::run()
}
