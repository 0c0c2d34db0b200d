//! nginx and we send the same request to the same endpoint.

use std::collections::BTreeSet;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use testbed::{Client, Gateway, free_address};

use super::gateway;

/// An nginx with applications that answer with their addresses, and a balancer before them.
struct Nginx {
    process: Child,
    addr: SocketAddr,
    _dir: TempDir,
}

impl Nginx {
    /// `upstream` is the algorithm; the endpoints are listened on as well.
    fn start(endpoints: &[String], upstream: &str) -> Self {
        let dir = TempDir::with_prefix("bh-").unwrap();
        let addr = free_address(Ipv4Addr::LOCALHOST.into()).unwrap();
        let file = dir.path().join("nginx.conf");
        fs::write(
            &file,
            config(endpoints, upstream, addr, dir.path().to_str().unwrap()),
        )
        .unwrap();
        let output = fs::File::create(dir.path().join("output")).unwrap();
        let process = Command::new("/usr/sbin/nginx")
            .args(["-c", file.to_str().unwrap(), "-p", dir.path().to_str().unwrap()])
            .arg("-e")
            .arg(dir.path().join("error.log"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(output)
            .spawn()
            .expect("nginx is installed: apt-get install -y --no-install-recommends nginx");
        let nginx = Self {
            process,
            addr,
            _dir: dir,
        };
        let deadline = Instant::now() + Duration::from_secs(10);
        while Client::connect(nginx.addr).is_err() {
            assert!(Instant::now() < deadline, "nginx does not listen");
            std::thread::sleep(Duration::from_millis(5));
        }
        nginx
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // It runs no workers that could be left behind: `master_process off`.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn config(endpoints: &[String], upstream: &str, addr: SocketAddr, dir: &str) -> String {
    let address = |endpoint: &str| endpoint.split(' ').next().unwrap().to_owned();
    let servers: String = endpoints.iter().map(|one| format!("server {one};\n")).collect();
    let apps: String = endpoints
        .iter()
        .map(|one| address(one))
        .map(|one| format!("server {{ listen {one}; return 200 \"{one}\"; }}\n"))
        .collect();
    format!(
        "daemon off;\nmaster_process off;\npid {dir}/pid;\nerror_log {dir}/error.log;\n\
         events {{ worker_connections 256; }}\nhttp {{\naccess_log off;\n\
         client_body_temp_path {dir}/b;\nproxy_temp_path {dir}/p;\nfastcgi_temp_path {dir}/f;\n\
         uwsgi_temp_path {dir}/u;\nscgi_temp_path {dir}/s;\n\
         upstream apps {{\n{upstream};\n{servers}}}\n{apps}\
         server {{\nlisten {addr};\nset_real_ip_from 127.0.0.1;\nreal_ip_header X-Forwarded-For;\n\
         location / {{ proxy_pass http://apps; }}\n}}\n}}\n"
    )
}

/// Ports nobody listens on.
fn free_ports(ip: &str, count: usize) -> Vec<u16> {
    let ip = ip.parse().unwrap();
    (0..count).map(|_| free_address(ip).unwrap().port()).collect()
}

/// The same endpoints behind nginx and behind us.
fn pair(endpoints: &[String], theirs: &str, ours: &str) -> (Nginx, Gateway) {
    let nginx = Nginx::start(endpoints, theirs);
    let settings =
        format!("balance = \"{ours}\"\n[server]\ntrusted_proxies = [\"127.0.0.1\"]\ntemp_dir = \"{{dir}}\"");
    (nginx, gateway("http", endpoints, &settings))
}

fn ask(addr: SocketAddr, target: &str, from: &str) -> String {
    let mut client = Client::connect(addr).unwrap();
    let fields = [("x-forwarded-for", from), ("connection", "close")];
    client.request("GET", target, &fields, b"").unwrap().text()
}

#[test]
fn the_ring_is_the_same() {
    let dir = TempDir::with_prefix("bh-").unwrap();
    let ports = free_ports("127.0.0.1", 3);
    let endpoints = [
        format!("127.0.0.1:{}", ports[0]),
        format!("127.0.0.1:{} weight=3", ports[1]),
        format!("[::1]:{}", free_ports("::1", 1)[0]),
        // A name to both, and an address to the C library: neither /etc/hosts nor the DNS is asked.
        format!("127.1:{} weight=2", ports[2]),
        format!("unix:{}/s", dir.path().display()),
    ];
    let (nginx, gateway) = pair(&endpoints, "hash $uri$arg_x consistent", "hash $uri$arg_x");
    let mut asked = BTreeSet::new();
    for number in 0..200 {
        let target = format!("/page//{number}%20?x={number}&y");
        let theirs = ask(nginx.addr, &target, "192.0.2.1");
        assert_eq!(ask(gateway.addr(), &target, "192.0.2.1"), theirs, "{target}");
        asked.insert(theirs);
    }
    assert_eq!(asked.len(), endpoints.len(), "{asked:?}");
}

#[test]
fn the_hash_of_addresses_is_the_same() {
    let endpoints: Vec<_> = free_ports("127.0.0.1", 4)
        .iter()
        .zip(["", " weight=5", " weight=2", ""])
        .map(|(port, weight)| format!("127.0.0.1:{port}{weight}"))
        .collect();
    let (nginx, gateway) = pair(&endpoints, "ip_hash", "ip_hash");
    let mut asked = BTreeSet::new();
    for number in 0..100_u32 {
        let [a, b, c, d] = number.wrapping_mul(2_654_435_761).to_be_bytes();
        for from in [format!("{a}.{b}.{c}.{d}"), format!("2001:db8:{number:x}::{d:x}")] {
            let theirs = ask(nginx.addr, "/", &from);
            assert_eq!(ask(gateway.addr(), "/", &from), theirs, "{from}");
            asked.insert(theirs);
        }
    }
    assert_eq!(asked.len(), endpoints.len(), "{asked:?}");
}
