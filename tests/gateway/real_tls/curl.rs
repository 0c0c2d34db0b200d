//! curl, by HTTP/1.1 and by HTTP/2.

use std::process::Command;

use testbed::Wanted;

use super::{Site, text};

#[test]
fn curl_asks_by_http_1_and_by_http_2_in_both_versions_of_tls() {
    let site = Site::start();
    for (http, version) in [("--http1.1", "1.1"), ("--http2", "2")] {
        for (tls, max) in [("TLSv1.2", "1.2"), ("TLSv1.3", "1.3")] {
            let told = ["-w", "\n%{http_version} %header{x-tls}", http, "--tls-max", max];
            let said = text(&site.curl("shop.example", "/", &told));
            assert_eq!(said, format!("shop\n{version} https {tls} ."));
        }
        let size = ["-o", "/dev/null", "-w", "%{size_download}", http];
        assert_eq!(text(&site.curl("shop.example", "/files/large", &size)), "1000000");
    }
}

#[test]
fn curl_shows_a_certificate_where_one_is_asked_for() {
    let site = Site::start();
    let wanted = Wanted {
        holder: "ann",
        ..Wanted::default()
    };
    site.authority
        .issue_as(&wanted)
        .unwrap()
        .write(site.dir.path(), "ann")
        .unwrap();
    let (cert, key) = (site.path("ann.pem"), site.path("ann.key"));
    for http in ["--http1.1", "--http2"] {
        let shown = ["-w", " %header{x-who}", http, "--cert", &cert, "--key", &key];
        let said = text(&site.curl("admin.example", "/", &shown));
        assert_eq!(said, "admin SUCCESS CN=ann,O=Shop\\, Inc.");
        assert!(!site.curl("admin.example", "/", &[http]).status.success());
        // The connection is for one host, the request for another.
        let other = [
            "-o",
            "/dev/null",
            "-w",
            "%{http_code} %header{bridgehead-error}",
            http,
            "-H",
            "Host: admin.example",
        ];
        assert_eq!(text(&site.curl("shop.example", "/", &other)), "421 misdirected");
    }
}

#[test]
fn curl_is_told_of_plain_http_on_a_tls_port() {
    let site = Site::start();
    let url = format!("http://{}/", site.gateway.addr());
    let output = Command::new("curl")
        .args(["--silent", "--max-time", "20", "--noproxy", "*", "-i", &url])
        .output()
        .unwrap();
    let said = text(&output);
    assert!(said.starts_with("HTTP/1.1 400 "), "{said}");
    assert!(
        said.to_ascii_lowercase()
            .contains("bridgehead-error: clear_on_tls_port"),
        "{said}"
    );
}

// Of TLS 1.2, curl takes no tickets.
#[test]
fn curl_goes_on_with_its_session_on_the_next_connection() {
    let site = Site::start();
    let again = format!("https://shop.example:{}/", site.gateway.addr().port());
    let told = [
        "--http1.1",
        "-H",
        "Connection: close",
        "-w",
        " %header{x-tls}\n",
        &again,
    ];
    let said = text(&site.curl("shop.example", "/", &told));
    assert_eq!(said, "shop https TLSv1.3 .\nshop https TLSv1.3 r\n");
}

#[test]
fn curl_does_not_believe_a_certificate_for_another_host() {
    let site = Site::start();
    for http in ["--http1.1", "--http2"] {
        let output = site.curl("other.example", "/", &[http]);
        assert_eq!(output.status.code(), Some(MISMATCH));
        // Without a look at the certificate, there is a connection, and no route for that host.
        let status = ["--insecure", "-o", "/dev/null", "-w", "%{http_code}", http];
        assert_eq!(text(&site.curl("other.example", "/", &status)), "404");
    }
}

/// curl's number for "certificate problem"
const MISMATCH: i32 = 60;
