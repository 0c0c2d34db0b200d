//! `bridgehead-conform`: plays conformance cases against servers and front ends.

use std::process::ExitCode;

fn main() -> ExitCode {
    bridgehead_conform::cli::run()
}
