//! What stands above a column of the matrix: a program and the protocol that it is asked to speak.

use anyhow::Result;
use bridgehead_conform::notation::SideName;
use bridgehead_conform::protocol::Protocol;

use super::frontend::Frontend;
use super::server::Server;
use super::version;

/// A target.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    /// On the command line, and the name of its file of results.
    pub(super) name: &'static str,
    pub(super) protocol: Protocol,
    pub(super) peer: Peer,
    /// Of the kit.
    pub(super) profile: &'static str,
    /// Files of known deviations, the most special first.
    pub(super) known: &'static [&'static str],
}

/// Which side is tested.
#[derive(Clone, Copy, Debug)]
pub(super) enum Peer {
    Server(Server),
    Frontend(Frontend),
}

impl Column {
    const fn server(
        name: &'static str,
        protocol: Protocol,
        server: Server,
        profile: &'static str,
        known: &'static [&'static str],
    ) -> Self {
        let peer = Peer::Server(server);
        Self {
            name,
            protocol,
            peer,
            profile,
            known,
        }
    }

    const fn frontend(
        name: &'static str,
        protocol: Protocol,
        frontend: Frontend,
        known: &'static [&'static str],
    ) -> Self {
        let peer = Peer::Frontend(frontend);
        let profile = frontend.profile();
        Self {
            name,
            protocol,
            peer,
            profile,
            known,
        }
    }

    pub(super) fn side(&self) -> SideName {
        match self.peer {
            Peer::Server(_) => SideName::Server,
            Peer::Frontend(_) => SideName::Frontend,
        }
    }

    /// Whether there are cases that are off by default: those of front ends are not.
    pub(super) fn has_intrusive_cases(&self) -> bool {
        matches!((self.peer, self.protocol), (Peer::Server(_), FastCgi | Uwsgi))
    }

    /// The program and its version, which it is asked for.
    ///
    /// # Errors
    ///
    /// When it does not tell.
    pub(super) fn title(&self) -> Result<String> {
        match self.peer {
            Peer::Server(server) => version::of_server(server),
            Peer::Frontend(frontend) => version::of_frontend(frontend),
        }
    }
}

/// The names of all columns.
pub(super) fn names() -> String {
    ALL.map(|column| column.name).join(" ")
}

use Protocol::{FastCgi, Scgi, Uwsgi};

/// In the order of the matrix.
pub(super) const ALL: [Column; 29] = [
    Column::server("php-fpm", FastCgi, Server::PhpFpm, "php-fpm", &["php-fpm"]),
    Column::server("php-cgi", FastCgi, Server::PhpCgi, "php-cgi", &["php-cgi"]),
    Column::server("libfcgi", FastCgi, Server::Libfcgi, "libfcgi", &["libfcgi"]),
    Column::server("fcgiwrap", FastCgi, Server::Fcgiwrap, "fcgiwrap", &["fcgiwrap"]),
    Column::server(
        "uwsgi-fastcgi",
        FastCgi,
        Server::Uwsgi,
        "uwsgi-fastcgi",
        &["uwsgi-fastcgi"],
    ),
    Column::server("flup-fastcgi", FastCgi, Server::Flup, "flup", &["flup"]),
    Column::server("demo-fastcgi", FastCgi, Server::Demo, "demo", &["demo"]),
    Column::server("uwsgi-uwsgi", Uwsgi, Server::Uwsgi, "uwsgi", &["uwsgi"]),
    Column::server(
        "gunicorn-sync",
        Uwsgi,
        Server::Gunicorn("sync"),
        "gunicorn",
        &["gunicorn-sync"],
    ),
    Column::server(
        "gunicorn-gthread",
        Uwsgi,
        Server::Gunicorn("gthread"),
        "gunicorn",
        &["gunicorn"],
    ),
    Column::server(
        "gunicorn-asgi",
        Uwsgi,
        Server::Gunicorn("asgi"),
        "gunicorn",
        &["gunicorn-asgi"],
    ),
    Column::server("demo-uwsgi", Uwsgi, Server::Demo, "demo", &["demo"]),
    Column::server("uwsgi-scgi", Scgi, Server::Uwsgi, "uwsgi", &["uwsgi"]),
    Column::server("flup-scgi", Scgi, Server::Flup, "flup", &["flup"]),
    Column::server("demo-scgi", Scgi, Server::Demo, "demo", &["demo"]),
    Column::frontend(
        "nginx-fastcgi",
        FastCgi,
        Frontend::Nginx,
        &["nginx", "nginx-http"],
    ),
    Column::frontend("haproxy-fastcgi", FastCgi, Frontend::Haproxy, &["haproxy"]),
    Column::frontend("lighttpd-fastcgi", FastCgi, Frontend::Lighttpd, &["lighttpd"]),
    Column::frontend("caddy-fastcgi", FastCgi, Frontend::Caddy, &["caddy"]),
    Column::frontend("apache-fastcgi", FastCgi, Frontend::Apache, &["apache"]),
    Column::frontend(
        "bridgehead-fastcgi",
        FastCgi,
        Frontend::Bridgehead,
        &["bridgehead"],
    ),
    Column::frontend("nginx-uwsgi", Uwsgi, Frontend::Nginx, &["nginx", "nginx-http"]),
    Column::frontend("lighttpd-uwsgi", Uwsgi, Frontend::Lighttpd, &["lighttpd"]),
    Column::frontend("apache-uwsgi", Uwsgi, Frontend::Apache, &["apache"]),
    Column::frontend("bridgehead-uwsgi", Uwsgi, Frontend::Bridgehead, &["bridgehead"]),
    Column::frontend("nginx-scgi", Scgi, Frontend::Nginx, &["nginx", "nginx-http"]),
    Column::frontend("lighttpd-scgi", Scgi, Frontend::Lighttpd, &["lighttpd"]),
    Column::frontend("apache-scgi", Scgi, Frontend::Apache, &["apache"]),
    Column::frontend("bridgehead-scgi", Scgi, Frontend::Bridgehead, &["bridgehead"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_columns_have_one_name() {
        for (at, column) in ALL.iter().enumerate() {
            assert!(ALL[..at].iter().all(|other| other.name != column.name));
        }
    }
}
