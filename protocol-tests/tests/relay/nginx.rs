//! nginx as the front end: recorded before PHP-FPM, and tested with what was recorded.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bridgehead_conform::content::Scope;
use bridgehead_conform::draft::Draft;
use bridgehead_conform::notation::SideName;
use bridgehead_conform::protocol::Protocol;
use bridgehead_conform::side::{Frontend, Server};
use tempfile::TempDir;
use testbed::{Kind, Options};

use super::drafted::{assert_passed, cases, play, recorded, wish};
use super::running::Running;

/// An nginx of our own, which passes everything on.
struct Nginx {
    process: Child,
    address: SocketAddr,
    _dir: TempDir,
}

impl Nginx {
    /// Passes everything on to a FastCGI socket.
    fn start(upstream: &str, script: &Path) -> Self {
        let dir = testbed::scratch().unwrap();
        let address = testbed::free_address(Ipv4Addr::LOCALHOST.into()).unwrap();
        let config = CONFIG
            .replace("ADDRESS", &address.to_string())
            .replace("UPSTREAM", upstream)
            .replace("SCRIPT", &script.display().to_string())
            .replace("DIR", &dir.path().display().to_string());
        let path = dir.path().join("nginx.conf");
        fs::write(&path, config).unwrap();
        let process = Command::new("/usr/sbin/nginx")
            .arg("-p")
            .arg(dir.path())
            .arg("-c")
            .arg(&path)
            .arg("-e")
            .arg(dir.path().join("error.log"))
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(address).is_err() {
            assert!(Instant::now() < deadline, "nginx does not listen");
            std::thread::sleep(Duration::from_millis(5));
        }
        Self {
            process,
            address,
            _dir: dir,
        }
    }

    fn ask(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // A kill leaves no time to end workers, but without a master there is only one process.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

const CONFIG: &str =
    "daemon off; master_process off; worker_processes 1; pid DIR/pid; error_log DIR/error.log;
events { worker_connections 64; }
http {
    access_log off;
    client_body_temp_path DIR/body; fastcgi_temp_path DIR/fastcgi; proxy_temp_path DIR/proxy;
    uwsgi_temp_path DIR/uwsgi; scgi_temp_path DIR/scgi;
    server {
        listen ADDRESS;
        location / {
            fastcgi_pass UPSTREAM;
            fastcgi_param SCRIPT_FILENAME SCRIPT;
            fastcgi_param SCRIPT_NAME /index.php;
            fastcgi_param PATH_INFO $uri;
            fastcgi_param REQUEST_URI $request_uri;
            fastcgi_param REQUEST_METHOD $request_method;
            fastcgi_param QUERY_STRING $query_string;
            fastcgi_param CONTENT_TYPE $content_type;
            fastcgi_param CONTENT_LENGTH $content_length;
        }
    }
}
";

const REQUESTS: [&str; 4] = [
    "GET /env/a%20b?x=$1 HTTP/1.1\r\nHost: h\r\nCookie: a=secret\r\nX-Odd: \"q\" \\ ${case}\r\nConnection: close\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\nContent-Length: 5\r\nConnection: close\r\n\r\na\nb\tc",
    "HEAD /status?code=404 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
    "GET /download?bytes=40000 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
];

#[test]
fn what_nginx_and_php_fpm_say_makes_cases_for_both() {
    let backend = Kind::PhpFpm.start(&Options::default()).unwrap();
    let relay = Running::unix(&backend.address(), Protocol::FastCgi);
    let script = testbed::script(Kind::PhpFpm);
    let nginx = Nginx::start(&relay.address.to_string(), &script);
    for request in REQUESTS {
        assert!(nginx.ask(request).starts_with("HTTP/1.1 "));
    }
    drop(nginx);
    let recorded = recorded(&relay.text());
    let draft = Draft::new(&recorded, wish(SideName::Server)).unwrap();
    assert_eq!(draft.count, REQUESTS.len(), "{}", draft.text);
    let server = Server::new(backend.address().parse().unwrap(), Protocol::FastCgi);
    let drafted = cases(&draft, Protocol::FastCgi, SideName::Server);
    assert_passed(
        &play(&drafted, &server, &Scope::new(Protocol::FastCgi)),
        &draft.text,
    );
    test_nginx_with(&Draft::new(&recorded, wish(SideName::Frontend)).unwrap(), &script);
}

/// Plays the recorded application behind a fresh nginx.
fn test_nginx_with(draft: &Draft, script: &Path) {
    let dir = testbed::scratch().unwrap();
    let upstream = format!("unix:{}", dir.path().join("kit").display());
    let nginx = Nginx::start(&upstream, script);
    let url = format!("http://{}/", nginx.address);
    let frontend = Frontend::new(&upstream.parse().unwrap(), Protocol::FastCgi, &url).unwrap();
    let drafted = cases(draft, Protocol::FastCgi, SideName::Frontend);
    assert_eq!(drafted.len(), REQUESTS.len(), "{}", draft.text);
    assert_passed(
        &play(&drafted, &frontend, &Scope::new(Protocol::FastCgi)),
        &draft.text,
    );
}

#[test]
fn what_is_blanked_keeps_its_place() {
    let backend = Kind::PhpFpm.start(&Options::default()).unwrap();
    let relay = Running::redacting(&backend.address(), Protocol::FastCgi);
    let nginx = Nginx::start(&relay.address.to_string(), &testbed::script(Kind::PhpFpm));
    for request in REQUESTS {
        assert!(nginx.ask(request).starts_with("HTTP/1.1 "));
    }
    let text = relay.text();
    assert!(
        !text.contains("secret") && text.contains("HTTP_COOKIE=********"),
        "{text}"
    );
    assert!(!text.contains("# !"), "{text}");
    let draft = Draft::new(&recorded(&text), wish(SideName::Server)).unwrap();
    assert_eq!(draft.count, REQUESTS.len(), "{}", draft.text);
}
