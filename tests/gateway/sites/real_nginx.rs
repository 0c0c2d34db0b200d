//! The examples beside nginx with the file that the project recommends: the same requests, and every difference has its
//! reason.
//!
//! `nginx/NAME.conf` stands for `examples/configs/NAME.toml`; `nginx/NAME.differences` has a line for each request that is
//! answered otherwise: what was asked, our answer, nginx's, and why. `nginx/NAME.requests` has the requests where those of
//! all sites say too little.

use std::fmt::Write as _;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use testbed::{Client, Process, Response, Scripted, free_address};

use super::examples::{self, Backend};
use super::fill;
use crate::start;

#[test]
fn real_wordpress() {
    compare("wordpress", "blog.example", "blog", Backend::FastCgi);
}

#[test]
fn real_laravel() {
    compare("laravel", "shop.example", "shop/public", Backend::FastCgi);
}

#[test]
fn real_symfony() {
    compare("symfony", "app.example", "app/public", Backend::FastCgi);
}

#[test]
fn real_django() {
    compare("django-static", "django.example", "django", Backend::Http);
}

#[test]
fn real_flask() {
    compare("flask-static", "flask.example", "flask/public", Backend::Http);
}

#[test]
fn real_x_accel() {
    compare("x-accel", "django.example", "django", Backend::Accel);
}

/// What lies below the root of every site.
const FILES: [&str; 25] = [
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
    "private/report.pdf",
    "private/a b.txt",
    "private/.hidden",
    "private/directory/keep.txt",
    "errors/403.html",
    "errors/404.html",
    "errors/50x.html",
];

/// Sends the requests to both, and holds the differences against those that are known.
fn compare(name: &str, host: &str, place: &str, backend: Backend) {
    let dir = tempfile::tempdir().unwrap();
    for site in ["blog", "shop/public", "app/public", "django", "flask/public"] {
        fill(&dir.path().join(site), &FILES);
    }
    let application = backend.start();
    let ours = start(&examples::local(name, dir.path(), &application));
    let (_nginx, theirs) = nginx(name, dir.path(), &application);
    let root = dir.path().join(place);
    let mut found = String::new();
    let own = directory().join(name).with_extension("requests");
    let requests = fs::read_to_string(own).or_else(|_| fs::read_to_string(directory().join("requests.txt")));
    let requests = requests.unwrap();
    assert!(requests.lines().count() >= 40);
    for request in requests.lines() {
        let (method, target) = request.split_once(' ').unwrap();
        let [ours, theirs] = [ours.addr(), theirs].map(|address| {
            let mut client = Client::connect(address).unwrap();
            let answer = client.request(method, target, &[("Host", host)], b"").unwrap();
            outcome(&answer, host, &root)
        });
        if ours != theirs {
            writeln!(found, "{request} | {ours} | {theirs}").unwrap();
        }
    }
    let known = fs::read_to_string(directory().join(name).with_extension("differences")).unwrap_or_default();
    let lines = known
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    let reasoned: Vec<(&str, &str)> = lines
        .map(|line| line.rsplit_once(" | ").expect("a reason"))
        .collect();
    assert!(
        reasoned.iter().all(|(_, reason)| reason.len() > 10),
        "every difference has a reason"
    );
    let known: String = reasoned.iter().map(|(line, _)| format!("{line}\n")).collect();
    assert!(
        found == known,
        "differences of {name}:\n{found}\nknown are:\n{known}"
    );
}

fn directory() -> PathBuf {
    testbed::workspace().join("tests/gateway/sites/nginx")
}

/// Fields that say what a site is about, beside others that each server has of its own.
const OF_SITES: [&str; 7] = [
    "x-frame-options",
    "x-content-type-options",
    "cache-control",
    "set-cookie",
    "content-disposition",
    "expires",
    "x-accel-redirect",
];

/// An answer in one line: its status, where it leads to, some of its fields, and what it is of the site.
fn outcome(answer: &Response, host: &str, root: &Path) -> String {
    let mut line = answer.status.to_string();
    if let Some(location) = answer.header("location") {
        let path = location.split_once(host).map_or(location, |(_, path)| path);
        let digits = |c: char| c == ':' || c.is_ascii_digit();
        write!(line, " to {}", path.trim_start_matches(digits)).unwrap();
    }
    for name in OF_SITES {
        if let Some(value) = answer.header(name) {
            write!(line, " {name}={value}").unwrap();
        }
    }
    if answer.status < 300 || answer.text().starts_with("errors/") {
        let text = answer.text().replace(&root.display().to_string(), "ROOT");
        write!(line, " {}", text.replace(" | ", " ")).unwrap();
    }
    line.trim_end().to_owned()
}

/// nginx with the file of an example.
fn nginx(name: &str, sites: &Path, application: &Scripted) -> (Process, SocketAddr) {
    let dir = TempDir::with_prefix("bh-").unwrap();
    let listen = free_address(Ipv4Addr::LOCALHOST.into()).unwrap();
    let servers = fs::read_to_string(directory().join(name).with_extension("conf")).unwrap();
    let path = dir.path().display();
    let backend = application.address();
    let servers = servers
        .replace("{listen}", &listen.to_string())
        .replace("{root}", &sites.display().to_string())
        .replace("http://{backend}", &format!("http://{backend}"))
        .replace("{backend}", &backend);
    let config = format!(
        "daemon off;\nmaster_process off;\npid {path}/pid;\nerror_log {path}/log;\nevents {{}}\nhttp {{\n\
         access_log off;\ninclude /etc/nginx/mime.types;\nclient_body_temp_path {path}/b;\n\
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
