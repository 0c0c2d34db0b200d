//! The Debian packages behind the servers.

use std::path::Path;

use crate::Kind;

/// A package of Debian 12.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Package {
    /// Its name.
    pub name: &'static str,
    /// A file of it that is needed; asking dpkg would be slower and no more certain.
    pub file: &'static str,
    /// What it is needed for.
    pub why: &'static str,
}

impl Package {
    /// Whether its file is there.
    pub fn is_installed(&self) -> bool {
        Path::new(self.file).exists()
    }
}

/// The packages that [`Kind::start`] and the tests of the whole gateway need.
pub const PACKAGES: [Package; 21] = [
    package("php8.2-fpm", "/usr/sbin/php-fpm8.2", "PHP-FPM, over FastCGI"),
    package("php8.2-cgi", "/usr/bin/php-cgi8.2", "php-cgi, over FastCGI"),
    package(
        "uwsgi-core",
        "/usr/bin/uwsgi-core",
        "uWSGI, over uwsgi, SCGI, FastCGI and HTTP",
    ),
    package(
        "uwsgi-plugin-python3",
        "/usr/lib/uwsgi/plugins/python3_plugin.so",
        "Python applications in uWSGI",
    ),
    package("fcgiwrap", "/usr/sbin/fcgiwrap", "CGI programs over FastCGI"),
    package(
        "python3-venv",
        "/usr/lib/python3.11/ensurepip",
        "a virtual environment below target/ for Flask and Gunicorn",
    ),
    package(
        "git",
        "/usr/bin/git",
        "Git over HTTP, a CGI program with large bodies",
    ),
    package(
        "python3-h2",
        "/usr/lib/python3/dist-packages/h2/__init__.py",
        "an HTTP/2 client that checks each frame",
    ),
    package(
        "pebble",
        "/usr/bin/pebble",
        "a directory that issues certificates (ACME), with a resolver",
    ),
    package("goaccess", "/usr/bin/goaccess", "reads access logs"),
    package(
        "fail2ban",
        "/usr/bin/fail2ban-regex",
        "reads access logs for addresses to ban",
    ),
    package("curl", "/usr/bin/curl", "an HTTP/2 client that is not ours"),
    package("openssl", "/usr/bin/openssl", "a TLS client that is not ours"),
    package(
        "sslscan",
        "/usr/bin/sslscan",
        "looks for weak versions and ciphers of TLS",
    ),
    package("chromium", "/usr/bin/chromium", "a browser"),
    package(
        "python3-websockets",
        "/usr/lib/python3/dist-packages/websockets/__init__.py",
        "the way to talk to that browser",
    ),
    package(
        "dnsmasq-base",
        "/usr/sbin/dnsmasq",
        "a DNS server whose records change",
    ),
    package(
        "procps",
        "/usr/bin/ps",
        "processes as something else than the tests sees them",
    ),
    package(
        "nginx",
        "/usr/sbin/nginx",
        "a front end to compare with; no test uses its service",
    ),
    package(
        "haproxy",
        "/usr/sbin/haproxy",
        "a load balancer that speaks the PROXY protocol; no test uses its service",
    ),
    package(
        "prometheus",
        "/usr/bin/promtool",
        "promtool, which checks metrics; no test uses its service",
    ),
];

/// A package by its name, one of its files, and its purpose.
pub const fn package(name: &'static str, file: &'static str, why: &'static str) -> Package {
    Package { name, file, why }
}

/// The command that installs `packages`.
pub fn install_line(packages: &[Package]) -> String {
    let names: Vec<_> = packages.iter().map(|package| package.name).collect();
    format!("apt-get install -y --no-install-recommends {}", names.join(" "))
}

/// Ends a message about a server that cannot be started: what is missing of the packages with these names, and how to
/// install all. `None` when nothing is.
pub(crate) fn complaint(names: &[&str]) -> Option<String> {
    let wanted = PACKAGES.iter().filter(|package| names.contains(&package.name));
    let missing = wanted.filter(|package| !package.is_installed());
    let missing: Vec<_> = missing.map(|package| package.name).collect();
    let line = install_line(&PACKAGES);
    (!missing.is_empty()).then(|| format!("needs {}; install with: {line}", missing.join(", ")))
}

/// The packages behind `kind`.
pub(crate) fn names(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::PhpFpm => &["php8.2-fpm"],
        Kind::PhpCgi => &["php8.2-cgi"],
        Kind::UwsgiUwsgi | Kind::UwsgiScgi | Kind::UwsgiFastcgi | Kind::UwsgiHttp => {
            &["uwsgi-core", "uwsgi-plugin-python3", "python3-venv"]
        }
        Kind::GunicornHttp | Kind::GunicornUwsgi => &["python3-venv"],
        Kind::Fcgiwrap => &["fcgiwrap"],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_behind_a_server_is_that_of_a_package() {
        for kind in Kind::ALL {
            for name in names(kind) {
                assert!(PACKAGES.iter().any(|package| package.name == *name), "{name}");
            }
        }
    }

    #[test]
    fn the_line_names_every_package() {
        let line = install_line(&PACKAGES);
        assert!(
            PACKAGES
                .iter()
                .all(|package| line.split(' ').any(|word| word == package.name))
        );
    }
}
