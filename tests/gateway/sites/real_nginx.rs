//! The examples beside nginx with the file that the project recommends: the same requests, and every difference has its
//! reason.
//!
//! `nginx/NAME.conf` stands for `examples/configs/NAME.toml`; `nginx/NAME.differences` has a line for each request that is
//! answered otherwise: what was asked, our answer, nginx's, and why; and for each variable that the application gets
//! otherwise. What all sites of one protocol have is in `nginx/PROTOCOL.differences`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use testbed::{Client, Process, Response, Scripted, ScriptedRequest, free_address};

use super::examples::{self, Backend};
use super::fill;
use crate::start;

/// A site, as its example has it.
struct Site {
    name: &'static str,
    hosts: &'static [&'static str],
    /// Its document root, below the directory of all sites.
    root: &'static str,
    backend: Backend,
    /// What its application is asked for the variables that it gets.
    probe: &'static str,
}

#[test]
fn real_wordpress() {
    Site {
        name: "wordpress",
        hosts: &["blog.example"],
        root: "blog",
        backend: Backend::FastCgi,
        probe: "/index.php?a=%20&b",
    }
    .compare();
}

#[test]
fn real_laravel() {
    Site {
        name: "laravel",
        hosts: &["shop.example"],
        root: "shop/public",
        backend: Backend::FastCgi,
        probe: "/cart?a=%20&b",
    }
    .compare();
}

#[test]
fn real_symfony() {
    Site {
        name: "symfony",
        hosts: &["app.example"],
        root: "app/public",
        backend: Backend::FastCgi,
        probe: "/cart?a=%20&b",
    }
    .compare();
}

#[test]
fn real_drupal() {
    Site {
        name: "drupal",
        hosts: &["drupal.example"],
        root: "drupal/web",
        backend: Backend::FastCgi,
        probe: "/node/1?a=%20&b",
    }
    .compare();
}

#[test]
fn real_nextcloud() {
    Site {
        name: "nextcloud",
        hosts: &["cloud.example"],
        root: "cloud",
        backend: Backend::FastCgi,
        probe: "/remote.php/dav/files?a=%20&b",
    }
    .compare();
}

#[test]
fn real_mediawiki() {
    Site {
        name: "mediawiki",
        hosts: &["wiki.example"],
        root: "wiki",
        backend: Backend::FastCgi,
        probe: "/wiki/Main_Page?a=%20&b",
    }
    .compare();
}

#[test]
fn real_phpmyadmin() {
    Site {
        name: "phpmyadmin",
        hosts: &["any.example"],
        root: "html",
        backend: Backend::FastCgi,
        probe: "/phpmyadmin/index.php?a=%20&b",
    }
    .compare();
}

#[test]
fn real_django() {
    Site {
        name: "django-static",
        hosts: &["django.example"],
        root: "django",
        backend: Backend::Http,
        probe: "/shop?a=%20&b",
    }
    .compare();
}

#[test]
fn real_flask() {
    Site {
        name: "flask-static",
        hosts: &["flask.example"],
        root: "flask/public",
        backend: Backend::Http,
        probe: "/shop?a=%20&b",
    }
    .compare();
}

#[test]
fn real_mailman() {
    Site {
        name: "mailman",
        hosts: &["lists.example"],
        root: "lists",
        backend: Backend::Uwsgi,
        probe: "/mailman3/lists?a=%20&b",
    }
    .compare();
}

#[test]
fn real_vhosts() {
    Site {
        name: "vhosts",
        hosts: &["www.shop.example", "shop.example", "de.wiki.example"],
        root: "shop",
        backend: Backend::Http,
        probe: "",
    }
    .compare();
}

/// What lies below the root of every site.
const FILES: [&str; 36] = [
    "index.php",
    "other.php",
    "style.css",
    "a b.txt",
    "directory/index.php",
    "directory/index.html",
    "empty/keep.txt",
    ".env",
    ".git/config",
    ".well-known/security.txt",
    "wp-content/uploads/evil.php",
    "wp-content/uploads/image.png",
    "files/evil.php",
    "xmlrpc.php",
    "robots.txt",
    "static/a.css",
    "static/favicon.ico",
    "media/photo.jpg",
    "core/install.php",
    "vendor/autoload.php",
    "modules/views.module",
    "sites/default/files/evil.php",
    "sites/default/files/photo.png",
    "sites/default/private/secret.txt",
    "remote.php",
    "config/config.php",
    "data/nextcloud.log",
    "occ",
    "core/js/core.js",
    "w/index.php",
    "w/load.php",
    "w/maintenance/update.php",
    "w/images/photo.png",
    "w/images/deleted/photo.png",
    "libraries/common.inc.php",
    "index.html",
];

/// Where the sites of all examples are, below one directory.
const SITES: [&str; 12] = [
    "blog",
    "shop",
    "shop/public",
    "app/public",
    "drupal/web",
    "cloud",
    "wiki",
    "html",
    "phpmyadmin",
    "django",
    "flask/public",
    "lists",
];

/// Fields of a browser.
const FIELDS: [(&str, &str); 6] = [
    ("Accept", "text/html"),
    ("Accept-Language", "de, en;q=0.5"),
    ("Cookie", "a=1; b=2"),
    ("Referer", "http://other.example/"),
    ("User-Agent", "test/1"),
    ("X-Requested-With", "XMLHttpRequest"),
];

impl Site {
    /// Sends the requests to both, and holds the differences against those that are known.
    fn compare(&self) {
        let dir = tempfile::tempdir().unwrap();
        for site in SITES {
            fill(&dir.path().join(site), &FILES);
        }
        let application = self.backend.start();
        let ours = start(&examples::local(self.name, dir.path(), &application));
        let (_nginx, theirs) = nginx(self.name, dir.path(), &application);
        let both = [ours.addr(), theirs];
        let mut found = self.answers(both, dir.path());
        if !self.probe.is_empty() {
            found += &self.variables(both, dir.path(), &application);
        }
        let known = self.known();
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        let mut lines: Vec<&str> = found.lines().collect();
        lines.sort_unstable();
        assert!(
            lines == known,
            "differences of {}:\n{found}\nknown are:\n{}",
            self.name,
            known.join("\n")
        );
    }

    /// Which requests are answered otherwise.
    fn answers(&self, both: [SocketAddr; 2], sites: &Path) -> String {
        let root = sites.join(self.root);
        let requests = fs::read_to_string(directory().join("requests.txt")).unwrap();
        assert!(requests.lines().count() >= 40);
        let mut found = String::new();
        for host in self.hosts {
            for request in requests.lines() {
                let (method, target) = request.split_once(' ').unwrap();
                let [ours, theirs] = both.map(|address| {
                    let mut client = Client::connect(address).unwrap();
                    let answer = client.request(method, target, &[("Host", host)], b"").unwrap();
                    Outcome::of(&answer, &root)
                });
                let named = match self.hosts.len() {
                    1 => "",
                    _ => &format!("{host}: "),
                };
                if ours != theirs {
                    let (ours, theirs) = (ours.beside(&theirs), theirs.beside(&ours));
                    writeln!(found, "{named}{request} | {ours} | {theirs}").unwrap();
                }
            }
        }
        found
    }

    /// Which variables, or fields, its application gets otherwise.
    fn variables(&self, both: [SocketAddr; 2], sites: &Path, application: &Scripted) -> String {
        let mut found = String::new();
        for (method, extra, body) in [
            ("GET", &[][..], &b""[..]),
            ("POST", &[("Content-Type", "text/plain")], b"hello"),
        ] {
            let [ours, theirs] = both.map(|address| {
                let mut client = Client::connect(address).unwrap();
                let fields = [&[("Host", self.hosts[0])], &FIELDS[..], extra].concat();
                client.request(method, self.probe, &fields, body).unwrap();
                let request = application.requests().pop().unwrap();
                assert_eq!(request.body, body);
                told(&request, address, self.hosts[0], sites)
            });
            let names: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
            for name in names {
                let [ours, theirs] = [&ours, &theirs].map(|told| told.get(name).map_or("-", String::as_str));
                if ours != theirs {
                    writeln!(found, "{method} with {name} | {ours} | {theirs}").unwrap();
                }
            }
        }
        found
    }

    /// The known differences: those of the site, and those that all have whose applications speak its protocol.
    fn known(&self) -> BTreeSet<String> {
        let common = match (self.backend, self.probe) {
            (_, "") => "",
            (Backend::FastCgi, _) => "fastcgi",
            (Backend::Http, _) => "http",
            (Backend::Uwsgi, _) => "uwsgi",
        };
        let texts = [self.name, common].map(|name| {
            let path = directory().join(name).with_extension("differences");
            fs::read_to_string(path).unwrap_or_default()
        });
        let lines = texts.iter().flat_map(|text| text.lines());
        let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        let reasoned = lines.map(|line| line.rsplit_once(" | ").expect("a reason"));
        reasoned
            .map(|(line, reason)| {
                assert!(reason.len() > 10, "every difference has a reason: {line}");
                line.to_owned()
            })
            .collect()
    }
}

#[test]
fn examples_are_shorter_than_the_files_for_nginx() {
    let files = fs::read_dir(directory())
        .unwrap()
        .map(|file| file.unwrap().path());
    for theirs in files.filter(|path| path.extension().is_some_and(|extension| extension == "conf")) {
        let name = theirs.file_stem().unwrap().to_str().unwrap();
        let (ours, theirs) = (examples::text(name), fs::read_to_string(&theirs).unwrap());
        let (ours, theirs) = (length(&ours), length(&theirs));
        assert!(ours < theirs, "{name}: {ours} letters, nginx {theirs}");
    }
}

/// How much there is to write, whatever the indentation.
fn length(text: &str) -> usize {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let words = lines.flat_map(str::split_whitespace);
    words.map(|word| word.chars().count()).sum()
}

fn directory() -> PathBuf {
    testbed::workspace().join("tests/gateway/sites/nginx")
}

/// What an application was told, without what differs from run to run and from site to site.
fn told(
    request: &ScriptedRequest,
    address: SocketAddr,
    host: &str,
    sites: &Path,
) -> BTreeMap<String, String> {
    let port = address.port().to_string();
    let root = sites.display().to_string();
    let neutral = |name: &str, value: &str| match name {
        "REMOTE_PORT" if value.parse::<u16>().is_ok() => "a port".to_owned(),
        _ if value == port => "our port".to_owned(),
        _ => value
            .replace(&root, "SITES")
            .replace(&format!(":{port}"), ":PORT")
            .replace(host, "HOST"),
    };
    let params = request.params.iter();
    params
        .map(|(name, value)| (name.clone(), neutral(name, value)))
        .collect()
}

/// An answer, as far as a site decides it.
#[derive(PartialEq)]
struct Outcome {
    status: u16,
    location: String,
    /// Some of its fields.
    fields: BTreeMap<&'static str, String>,
    /// What it is of the site; that of errors is each server's own.
    body: String,
}

/// What sites say about their answers.
const SAID: [&str; 6] = [
    "cache-control",
    "content-type",
    "referrer-policy",
    "x-content-type-options",
    "x-frame-options",
    "x-served-by",
];

impl Outcome {
    fn of(answer: &Response, root: &Path) -> Self {
        let said = SAID
            .into_iter()
            .filter(|name| answer.status < 300 || *name != "content-type");
        let fields = said.filter_map(|name| Some((name, answer.header(name)?.to_owned())));
        let body = answer.text().replace(&root.display().to_string(), "ROOT");
        Self {
            status: answer.status,
            location: answer.header("location").unwrap_or_default().to_owned(),
            fields: fields.collect(),
            body: match answer.status {
                200..300 => body.replace(" | ", " "),
                _ => String::new(),
            },
        }
    }

    /// In one line, without the fields that another one has, too.
    fn beside(&self, other: &Self) -> String {
        let mut line = self.status.to_string();
        if !self.location.is_empty() {
            write!(line, " to {}", self.location).unwrap();
        }
        for (name, value) in &self.fields {
            if other.fields.get(name) != Some(value) {
                write!(line, " {name}={value}").unwrap();
            }
        }
        write!(line, " {}", self.body).unwrap();
        line.trim_end().to_owned()
    }
}

/// nginx with the file of an example.
fn nginx(name: &str, sites: &Path, application: &Scripted) -> (Process, SocketAddr) {
    let dir = TempDir::with_prefix("bh-").unwrap();
    let listen = free_address(Ipv4Addr::LOCALHOST.into()).unwrap();
    let servers = fs::read_to_string(directory().join(name).with_extension("conf")).unwrap();
    let (path, root) = (dir.path().display(), sites.display());
    let backend = application.address();
    let servers = servers
        .replace("{listen}", &listen.to_string())
        .replace("{root}", &root.to_string())
        .replace("{backend}", &backend);
    let config = format!(
        "daemon off;\nmaster_process off;\npid {path}/pid;\nerror_log {path}/log;\nevents {{}}\nhttp {{\n\
         access_log off;\nabsolute_redirect off;\nroot {root}/html;\n\
         include /etc/nginx/mime.types;\ndefault_type application/octet-stream;\n\nclient_body_temp_path {path}/b;\n\
         proxy_temp_path {path}/p;\nfastcgi_temp_path {path}/f;\nuwsgi_temp_path {path}/u;\n\
         scgi_temp_path {path}/s;\n{servers}\n}}\n"
    );
    fs::write(dir.path().join("nginx.conf"), config).unwrap();
    let mut command = Command::new("/usr/sbin/nginx");
    command
        .arg("-p")
        .arg(dir.path())
        .arg("-c")
        .arg(dir.path().join("nginx.conf"));
    let ready = move || Client::connect(listen).is_ok();
    let process = Process::start(command, dir, ready).expect("nginx starts");
    (process, listen)
}
