//! `openssl s_client`, as operators use it.

use std::io::Write;
use std::process::{Command, Stdio};

use super::Site;

impl Site {
    /// What it prints, of itself and of the answer to a request. It asks for a `name`, if there is one.
    fn s_client(&self, name: Option<&str>, arguments: &[&str]) -> String {
        let mut client = Command::new("openssl");
        client
            .args(["s_client", "-connect", &self.gateway.addr().to_string()])
            .args([
                "-CAfile",
                &self.path("ca.pem"),
                "-verify_return_error",
                "-ign_eof",
            ])
            .args(arguments);
        match name {
            Some(name) => client.args(["-servername", name]),
            None => client.arg("-noservername"),
        };
        let mut client = client
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("openssl is installed: cargo xtask test installs it");
        let mut stdin = client.stdin.take().unwrap();
        // It may have ended already.
        let _ = stdin.write_all(REQUEST.as_bytes());
        drop(stdin);
        let output = client.wait_with_output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        String::from_utf8_lossy(&said).into_owned()
    }
}

const NAME: Option<&str> = Some("shop.example");

const REQUEST: &str = "GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n";

#[test]
fn openssl_goes_on_with_its_session_five_times() {
    let site = Site::start();
    let said = site.s_client(NAME, &["-reconnect", "-tls1_2"]);
    assert_eq!(said.matches("New, TLSv1.2").count(), 1, "{said}");
    assert_eq!(said.matches("Reused, TLSv1.2").count(), 5, "{said}");
    assert!(said.contains("\r\n\r\nshop"), "{said}");
}

#[test]
fn openssl_goes_on_with_a_session_from_a_file() {
    let site = Site::start();
    let session = site.path("session.pem");
    let first = site.s_client(NAME, &["-sess_out", &session]);
    assert!(
        first.contains("New, TLSv1.3, Cipher is TLS_AES_256_GCM_SHA384"),
        "{first}"
    );
    let second = site.s_client(NAME, &["-sess_in", &session]);
    assert!(second.contains("Reused, TLSv1.3"), "{second}");
    assert!(second.contains("\r\n\r\nshop"), "{second}");
}

#[test]
fn openssl_finds_no_old_version_and_no_weak_cipher() {
    let site = Site::start();
    let old = [
        ["-tls1", "-cipher", "ALL:@SECLEVEL=0"],
        ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
        ["-tls1_2", "-cipher", "AES128-GCM-SHA256"],
        ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"],
    ];
    for arguments in old {
        let said = site.s_client(NAME, &arguments);
        assert!(said.contains("alert"), "{arguments:?}: {said}");
        assert!(!said.contains("\r\n\r\nshop"), "{arguments:?}: {said}");
    }
}

#[test]
fn openssl_that_asks_for_no_name_or_for_another_one_is_shown_the_first_certificate() {
    let site = Site::start();
    for name in [None, Some("other.example")] {
        let said = site.s_client(name, &[]);
        assert!(said.contains("CN = shop.example"), "{said}");
        assert!(said.contains("Verify return code: 0 (ok)"), "{said}");
        assert!(said.contains("\r\n\r\nshop"), "{said}");
    }
}
