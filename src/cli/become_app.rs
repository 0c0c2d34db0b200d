//! What `serve` starts applications with; nothing for people.

use std::process::ExitCode;

use crate::process::helper;

/// Become an application of a gateway.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    orders: String,
}

/// Becomes the application; gives an exit code when that cannot be.
pub(super) fn run(args: &Args) -> ExitCode {
    helper::run(&args.orders)
}
