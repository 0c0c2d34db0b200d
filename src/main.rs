//! The `bridgehead` program: see `bridgehead --help`, and the library's documentation for the architecture.

use std::process::ExitCode;

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    bridgehead::cli::run()
}
