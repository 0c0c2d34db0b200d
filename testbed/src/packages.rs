//! The Debian packages behind the servers.

use std::path::Path;

use crate::Kind;

/// The packages that [`Kind::start`] and the tests of the whole gateway need, as Debian 12 names them.
pub const DEBIAN_PACKAGES: [&str; 11] = [
    "php8.2-fpm",
    "php8.2-cgi",
    "uwsgi-core",
    "uwsgi-plugin-python3",
    "fcgiwrap",
    "spawn-fcgi",
    "python3-venv",
    "git",
    "curl",
    "dnsmasq-base",
    "nginx",
];

/// The packages that are not installed, in the order of [`DEBIAN_PACKAGES`].
pub fn missing() -> Vec<String> {
    absent(&DEBIAN_PACKAGES)
}

/// The command that installs every package.
pub fn install_line() -> String {
    format!(
        "apt-get install -y --no-install-recommends {}",
        DEBIAN_PACKAGES.join(" ")
    )
}

/// The packages that `kind` needs and that are not installed.
pub(crate) fn missing_for(kind: Kind) -> Vec<String> {
    match kind {
        Kind::PhpFpm => absent(&["php8.2-fpm"]),
        Kind::PhpCgi => absent(&["php8.2-cgi"]),
        Kind::UwsgiUwsgi | Kind::UwsgiScgi | Kind::UwsgiFastcgi | Kind::UwsgiHttp => {
            absent(&["uwsgi-core", "uwsgi-plugin-python3", "python3-venv"])
        }
        Kind::GunicornHttp | Kind::GunicornUwsgi => absent(&["python3-venv"]),
        Kind::Fcgiwrap => absent(&["fcgiwrap"]),
    }
}

/// The packages that [`crate::Dns`] needs and that are not installed.
pub(crate) fn missing_for_dns() -> Vec<String> {
    absent(&["dnsmasq-base"])
}

fn absent(packages: &[&str]) -> Vec<String> {
    packages
        .iter()
        .filter(|package| !is_installed(package))
        .map(ToString::to_string)
        .collect()
}

/// Whether the file is there that the package is wanted for; asking dpkg would be slower and no more certain.
fn is_installed(package: &str) -> bool {
    match package {
        "php8.2-fpm" => exists("/usr/sbin/php-fpm8.2"),
        "php8.2-cgi" => exists("/usr/bin/php-cgi8.2"),
        "uwsgi-core" => exists("/usr/bin/uwsgi-core"),
        "uwsgi-plugin-python3" => exists("/usr/lib/uwsgi/plugins/python3_plugin.so"),
        "fcgiwrap" => exists("/usr/sbin/fcgiwrap"),
        "spawn-fcgi" => exists("/usr/bin/spawn-fcgi"),
        "python3-venv" => exists("/usr/lib/python3.11/ensurepip"),
        "git" => exists("/usr/bin/git"),
        "curl" => exists("/usr/bin/curl"),
        "dnsmasq-base" => exists("/usr/sbin/dnsmasq"),
        "nginx" => exists("/usr/sbin/nginx"),
        _ => false,
    }
}

fn exists(path: &str) -> bool {
    Path::new(path).exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn install_line_names_every_package() {
        assert!(
            DEBIAN_PACKAGES
                .iter()
                .all(|package| install_line().contains(package))
        );
    }
}
