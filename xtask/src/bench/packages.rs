//! The Debian packages that measuring needs.

use testbed::{PACKAGES, Package, package};

/// Those of the testbed, and the tools.
pub(crate) fn all() -> Vec<Package> {
    PACKAGES.into_iter().chain(TOOLS).collect()
}

/// What counts system calls and instructions.
pub(crate) const TOOLS: [Package; 2] = [
    package("strace", super::strace::PROGRAM, "counts system calls"),
    package("valgrind", super::valgrind::PROGRAM, "counts instructions"),
];
