//! The Debian packages of servers and front ends.

use std::path::Path;

use anyhow::Result;

use crate::debian;

/// What the testbed does not need, and a file of each.
const MORE: [(&str, &str); 8] = [
    ("apache2-bin", "/usr/sbin/apache2"), // the programs without a service that would start
    ("caddy", "/usr/bin/caddy"),
    ("gcc", "/usr/bin/gcc"),
    ("haproxy", "/usr/sbin/haproxy"),
    ("libc6-dev", "/usr/include/stdio.h"),
    ("libfcgi-dev", "/usr/include/fcgiapp.h"),
    ("lighttpd", "/usr/sbin/lighttpd"),
    ("nginx", "/usr/sbin/nginx"),
];

/// Installs what is missing.
///
/// # Errors
///
/// When that is not possible; the error holds the line that does it.
pub(super) fn install() -> Result<()> {
    let missing = MORE.iter().filter(|(_, file)| !Path::new(file).exists());
    let mut missing: Vec<_> = missing.map(|(package, _)| package.to_string()).collect();
    missing.extend(testbed::missing());
    let all: Vec<_> = testbed::DEBIAN_PACKAGES
        .into_iter()
        .chain(MORE.map(|(package, _)| package))
        .collect();
    debian::install(&missing, &all)
}
