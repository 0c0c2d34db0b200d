//! The Debian packages of the servers that are captured.

use testbed::{PACKAGES, Package, package};

/// Those of the testbed, and what it does not need.
pub(super) fn all() -> Vec<Package> {
    PACKAGES.into_iter().chain(MORE).collect()
}

const MORE: [Package; 3] = [
    package(
        "libc6-dev",
        "/usr/include/stdio.h",
        "compiles the responder for libfcgi",
    ),
    package("libfcgi-dev", "/usr/include/fcgiapp.h", "libfcgi"),
    package(
        "spawn-fcgi",
        "/usr/bin/spawn-fcgi",
        "starts programs written with libfcgi",
    ),
];
