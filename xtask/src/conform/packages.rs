//! The Debian packages of servers and front ends.

use testbed::{PACKAGES, Package, package};

/// Those of the testbed, and what it does not need.
pub(super) fn all() -> Vec<Package> {
    PACKAGES.into_iter().chain(MORE).collect()
}

const MORE: [Package; 8] = [
    // The programs without a service.
    package("apache2-bin", "/usr/sbin/apache2", "Apache as the front end"),
    package("caddy", "/usr/bin/caddy", "Caddy as the front end"),
    package("haproxy", "/usr/sbin/haproxy", "HAProxy as the front end"),
    package("lighttpd", "/usr/sbin/lighttpd", "lighttpd as the front end"),
    package("gcc", "/usr/bin/gcc", "compiles the probe for libfcgi"),
    package("libc6-dev", "/usr/include/stdio.h", "headers for that"),
    package("libfcgi-dev", "/usr/include/fcgiapp.h", "libfcgi"),
    package(
        "spawn-fcgi",
        "/usr/bin/spawn-fcgi",
        "starts programs written with libfcgi",
    ),
];
