//! TLS with clients that are not ours.

mod curl;
mod openssl;
mod python;
mod scan;

use std::fs;
use std::process::{Command, Output};

use tempfile::TempDir;
use testbed::{Authority, Gateway};

use crate::start;

/// A gateway for `shop.example` and `admin.example`, which asks for a certificate, and what its clients need.
struct Site {
    gateway: Gateway,
    authority: Authority,
    dir: TempDir,
}

impl Site {
    fn start() -> Self {
        let authority = Authority::new("Test Authority").unwrap();
        let dir = tempfile::tempdir().unwrap();
        let issued = authority.issue(&["shop.example", "admin.example"]).unwrap();
        issued.write(dir.path(), "server").unwrap();
        fs::write(dir.path().join("ca.pem"), authority.pem()).unwrap();
        fs::write(dir.path().join("large"), vec![b'x'; 1_000_000]).unwrap();
        let text = CONFIG.replace("{certs}", &dir.path().display().to_string());
        Self {
            gateway: start(&text),
            authority,
            dir,
        }
    }

    /// curl with these arguments; `host` leads to the gateway.
    fn curl(&self, host: &str, target: &str, arguments: &[&str]) -> Output {
        let port = self.gateway.addr().port();
        Command::new("curl")
            .args([
                "--silent",
                "--show-error",
                "--max-time",
                "20",
                "--noproxy",
                "*",
                "--cacert",
            ])
            .arg(self.dir.path().join("ca.pem"))
            .args(["--resolve", &format!("{host}:{port}:127.0.0.1")])
            .args(arguments)
            .arg(format!("https://{host}:{port}{target}"))
            .output()
            .expect("curl is installed: cargo xtask test installs it")
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).display().to_string()
    }
}

#[track_caller]
fn text(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

const CONFIG: &str = r#"
[tls]
certificates = [{ cert = "{certs}/server.pem", key = "{certs}/server.key" }]

[[listen]]
address = "127.0.0.1:0"
tls = true

[[route]]
host = "shop.example"
respond = { body = "shop" }
headers = { X-Tls = "$scheme $ssl_protocol $ssl_session_reused" }

[[route]]
host = "shop.example"
path = "/files"
files = { alias = "{certs}" }

[[route]]
host = "admin.example"
client = { ca = "{certs}/ca.pem" }
respond = { body = "admin" }
headers = { X-Who = "$ssl_client_verify $ssl_client_s_dn" }
"#;
