//! Which endpoint answers: algorithms, sessions, draining, and nginx as the judge of hashes.

mod hashing;
mod loads;
mod nginx;
mod sessions;

use std::os::unix::fs::symlink;
use std::path::PathBuf;

use tempfile::TempDir;
use testbed::{Client, Gateway, Response, Scripted};

use crate::start;

/// FastCGI applications that answer with their names, each behind a link that can be taken away and put back.
struct Farm {
    dir: TempDir,
    apps: Vec<(&'static str, Scripted)>,
}

impl Farm {
    fn new(names: &[&'static str]) -> Self {
        let app = |name: &'static str| {
            let app = Scripted::start(move |mut connection| {
                let request = connection.read_fastcgi()?;
                connection.fastcgi_response(request.id, format!("Status: 200\r\n\r\n{name}").as_bytes())
            });
            (name, app.unwrap())
        };
        let farm = Self {
            dir: TempDir::with_prefix("bh-").unwrap(),
            apps: names.iter().map(|name| app(name)).collect(),
        };
        names.iter().for_each(|name| farm.begin(name));
        farm
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The endpoint as configurations name it.
    fn address(&self, name: &str) -> String {
        format!("unix:{}", self.path(name).display())
    }

    /// Nobody reaches the application any more.
    fn stop(&self, name: &str) {
        std::fs::remove_file(self.path(name)).unwrap();
    }

    /// Everybody reaches the application.
    fn begin(&self, name: &str) {
        let (_, app) = self.apps.iter().find(|(own, _)| *own == name).unwrap();
        symlink(app.socket(), self.path(name)).unwrap();
    }

    /// A gateway before all of them, with options for each.
    fn gateway(&self, options: &[&str], settings: &str) -> Gateway {
        let endpoints: Vec<String> = self
            .apps
            .iter()
            .zip(options)
            .map(|((name, _), options)| format!("{} {options}", self.address(name)))
            .collect();
        gateway("fastcgi", &endpoints, settings)
    }
}

/// One upstream with these endpoints behind every path.
fn gateway(protocol: &str, endpoints: &[String], settings: &str) -> Gateway {
    start(&format!(
        "[upstream.app]\nprotocol = \"{protocol}\"\nendpoints = {endpoints:?}\n{settings}\n\
         [[route]]\nproxy = {{ upstream = \"app\" }}\n"
    ))
}

fn get(gateway: &Gateway, target: &str, fields: &[(&str, &str)]) -> Response {
    let mut client = Client::connect(gateway.addr()).unwrap();
    let response = client.request("GET", target, fields, b"").unwrap();
    assert_eq!(response.status, 200, "{}", response.text());
    response
}

/// The application that answered.
fn who(gateway: &Gateway, target: &str) -> String {
    get(gateway, target, &[]).text()
}
