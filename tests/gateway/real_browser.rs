//! Chromium through TLS and HTTP/2, to a page whose parts come of PHP, Flask and a WebSocket server.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testbed::{Authority, Kind, Options};

use crate::start;

/// Is ended with the test.
struct Sockets(Child);

impl Sockets {
    fn start(path: &Path) -> Self {
        let child = Command::new("/usr/bin/python3")
            .arg(source("sockets.py"))
            .arg(path)
            .spawn()
            .expect("python3 starts");
        let sockets = Self(child);
        let end = Instant::now() + Duration::from_secs(10);
        while UnixStream::connect(path).is_err() {
            assert!(Instant::now() < end, "nothing listens at {}", path.display());
            sleep(Duration::from_millis(10));
        }
        sockets
    }
}

impl Drop for Sockets {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn source(name: &str) -> PathBuf {
    testbed::workspace().join("tests/gateway/real_browser").join(name)
}

#[test]
fn a_browser_shows_a_page_of_many_parts_without_a_complaint() {
    let app = Options {
        app: Some(source("app")),
        threads: 4,
        ..Options::default()
    };
    let (php, flask) = (
        Kind::PhpFpm.start(&app).unwrap(),
        Kind::GunicornHttp.start(&app).unwrap(),
    );
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("sockets");
    let _sockets = Sockets::start(&socket);
    let authority = Authority::new("Test Authority").unwrap();
    let issued = authority.issue(&["localhost", "127.0.0.1"]).unwrap();
    issued.write(dir.path(), "server").unwrap();
    let gateway = start(
        &CONFIG
            .replace("{php}", &php.address())
            .replace("{flask}", &flask.address())
            .replace("{sockets}", &format!("unix:{}", socket.display()))
            .replace("{app}", &source("app").display().to_string())
            .replace("{certs}", &dir.path().display().to_string()),
    );
    let [page, other] = gateway.addresses() else {
        panic!("two listeners: {:?}", gateway.addresses());
    };
    let screenshot = testbed::target_dir().join("browser.png");
    let output = Command::new("/usr/bin/python3")
        .arg(source("drive.py"))
        .arg(dir.path())
        // Chromium leaves its lock in the one and its settings in the other.
        .env("TMPDIR", dir.path())
        .env("HOME", dir.path())
        .arg(format!("https://{page}/php/?other={other}"))
        .arg(&screenshot)
        .output()
        .expect("python3 starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "needs chromium and python3-websockets:\n{errors}\n{}",
        gateway.errors()
    );
    let seen: Value = serde_json::from_slice(&output.stdout).unwrap();
    let whole = json!({ "whole": true, "progress": true });
    let events = json!({ "count": 5, "spread": true });
    let socket = json!({ "echoed": true, "code": 1000, "clean": true });
    let expected = json!({
        "pictures": 60,
        "php upload": whole,
        "php events": events,
        "flask upload": whole,
        "flask events": events,
        "socket beside the page": socket,
        "socket elsewhere": socket,
        "protocols": ["h2"],
    });
    assert_eq!(seen["results"], expected, "{seen:#}\n{}", gateway.errors());
    assert_eq!((&seen["said"], &seen["failed"]), (&json!([]), &json!([])));
    assert!(fs::metadata(&screenshot).unwrap().len() > 10_000);
    let log = gateway.access();
    let switched: Vec<Value> = log
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|line: &Value| line["status"] == 101)
        .collect();
    let versions: Vec<_> = switched
        .iter()
        .map(|line| line["version"].as_str().unwrap())
        .collect();
    assert_eq!(versions, ["HTTP/2.0", "HTTP/1.1"], "one tunnel each");
}

const CONFIG: &str = r#"
[tls]
certificates = [{ cert = "{certs}/server.pem", key = "{certs}/server.key" }]

[[listen]]
address = "127.0.0.1:0"
tls = true

[[listen]]
address = "127.0.0.1:0"
tls = true

[upstream.php]
profile = "php-fpm"
endpoints = ["{php}"]
max_connections = 4

[upstream.flask]
profile = "gunicorn"
protocol = "http"
endpoints = ["{flask}"]
max_connections = 16

[upstream.sockets]
protocol = "http"
endpoints = ["{sockets}"]
max_connections = 16

[[route]]
path = "/php"
php = { upstream = "php", root = "{app}", front_controller = "/index.php" }

[[route]]
path = "/flask"
proxy = { upstream = "flask" }

[[route]]
path = "/socket"
proxy = { upstream = "sockets" }
"#;
