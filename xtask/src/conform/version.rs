//! Which program it is, and which version: asked from the program itself.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::frontend::{Frontend, bridgehead};
use super::server::Server;

/// `PHP-FPM 8.2.35`, for instance.
///
/// # Errors
///
/// When the program does not tell.
pub(super) fn of_server(server: Server) -> Result<String> {
    let (name, version) = match server {
        Server::PhpFpm => ("PHP-FPM", ask("/usr/sbin/php-fpm8.2", &["-v"])?),
        Server::PhpCgi => ("php-cgi", ask("/usr/bin/php-cgi8.2", &["-v"])?),
        // A library is no program.
        Server::Libfcgi => (
            "libfcgi",
            ask("dpkg-query", &["-W", "-f=${Version}", "libfcgi0ldbl"])?,
        ),
        Server::Fcgiwrap => ("fcgiwrap", ask("/usr/sbin/fcgiwrap", &["-h"])?),
        Server::Uwsgi => ("uWSGI", ask("/usr/bin/uwsgi-core", &["--version"])?),
        Server::Flup => ("flup", super::server::flup::VERSION.to_owned()),
        Server::Gunicorn(worker) => {
            let gunicorn = testbed::ensure_venv()?.join("bin/gunicorn");
            let version = ask(&gunicorn, &["--version"])?;
            return Ok(format!("Gunicorn {version} {worker}"));
        }
        Server::Demo => ("Bridgehead demo", ask(bridgehead::program(), &["--version"])?),
    };
    Ok(format!("{name} {version}"))
}

/// `nginx 1.22.1`, for instance.
///
/// # Errors
///
/// When the program does not tell.
pub(super) fn of_frontend(frontend: Frontend) -> Result<String> {
    let (name, version) = match frontend {
        Frontend::Nginx => ("nginx", ask("/usr/sbin/nginx", &["-v"])?),
        Frontend::Haproxy => ("HAProxy", ask("/usr/sbin/haproxy", &["-v"])?),
        Frontend::Lighttpd => ("lighttpd", ask("/usr/sbin/lighttpd", &["-v"])?),
        Frontend::Caddy => ("Caddy", ask("/usr/bin/caddy", &["version"])?),
        Frontend::Apache => ("Apache", ask("/usr/sbin/apache2", &["-v"])?),
        Frontend::Bridgehead => ("Bridgehead", ask(bridgehead::program(), &["--version"])?),
    };
    Ok(format!("{name} {version}"))
}

fn ask(program: impl AsRef<Path>, arguments: &[&str]) -> Result<String> {
    let program = program.as_ref();
    let output = Command::new(program).args(arguments).output();
    let output = output.with_context(|| format!("cannot run {}", program.display()))?;
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    version_in(&text).with_context(|| format!("{} does not tell its version: {text}", program.display()))
}

/// The first numbers with points between them.
fn version_in(text: &str) -> Option<String> {
    let words = text.split(|c: char| !c.is_ascii_digit() && c != '.');
    let mut versions = words
        .map(|word| word.trim_matches('.'))
        .filter(|word| word.contains('.'));
    versions.next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_found_in_what_programs_say() {
        assert_eq!(
            version_in("nginx version: nginx/1.22.1\n").as_deref(),
            Some("1.22.1")
        );
        assert_eq!(
            version_in("PHP 8.2.35 (fpm-fcgi) (built: Oct 21)").as_deref(),
            Some("8.2.35")
        );
        assert_eq!(
            version_in("HAProxy version 2.6.12-1+deb12u4 2026/10/17").as_deref(),
            Some("2.6.12")
        );
        assert_eq!(version_in("no such option."), None);
    }
}
