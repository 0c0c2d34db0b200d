//! What the error log says about failures whose cause lies in the settings of the application's server.

use std::fs;
use std::net::TcpListener;
use std::thread;

use testbed::{Client, Gateway, Scripted};

use super::{ask, gateway};
use crate::start;

/// A server that closes every connection without a word: its address.
fn closing() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || listener.incoming().for_each(drop));
    address
}

#[test]
fn a_server_that_closes_connections_of_strangers_is_suspected_of_it() {
    let gateway = gateway(&[&closing()], "");
    assert_eq!(ask(&gateway, "GET").status, 502);
    let told = gateway.wait_errors("listen.allowed_clients").unwrap();
    assert!(
        told.contains("closes every connection without an answer"),
        "{told}"
    );
}

/// A pool behind `/`, for requests with large cookies.
fn with_cookie(protocol: &str, backend: &Scripted, bytes: usize) -> (Gateway, u16) {
    let gateway = start(&format!(
        "[upstream.app]\nprotocol = \"{protocol}\"\nendpoints = [\"{}\"]\n[[route]]\nproxy = {{ upstream = \"app\" }}\n",
        backend.address()
    ));
    let cookie = "x".repeat(bytes);
    let mut client = Client::connect(gateway.addr()).unwrap();
    let answer = client.request("GET", "/", &[("Cookie", &cookie)], b"").unwrap();
    (gateway, answer.status)
}

#[test]
fn variables_above_the_buffer_of_uwsgi_are_suspected() {
    for protocol in ["uwsgi", "scgi"] {
        let backend = Scripted::start(|_| Ok(())).unwrap();
        let (gateway, status) = with_cookie(protocol, &backend, 5_000);
        assert_eq!(status, 502);
        let told = gateway
            .wait_errors("above its buffer-size (4096 unless set)")
            .unwrap();
        assert!(told.contains("max_block is to be no larger"), "{told}");
    }
    // What is small is not too large.
    let backend = Scripted::start(|_| Ok(())).unwrap();
    let (gateway, _) = with_cookie("uwsgi", &backend, 10);
    let told = gateway.wait_errors("does it speak this protocol?").unwrap();
    assert!(!told.contains("buffer-size"), "{told}");
}

#[test]
fn a_script_that_php_does_not_know_is_told_with_its_path() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("index.php"), "").unwrap();
    let backend = Scripted::start(|mut connection| {
        let request = connection.read_fastcgi()?;
        connection.write_record(7, request.id, b"Primary script unknown")?;
        connection.fastcgi_response(request.id, b"Status: 404\r\n\r\nFile not found.\n")
    })
    .unwrap();
    let gateway = start(&format!(
        "[upstream.php]\nprofile = \"php-fpm\"\nendpoints = [\"{}\"]\n\
         [[route]]\nphp = {{ upstream = \"php\", root = \"{}\", front_controller = \"/index.php\" }}\n\
         [[route]]\npath = \"/bare\"\nproxy = {{ upstream = \"php\" }}\n",
        backend.address(),
        root.path().display()
    ));
    let get = |path: &str| {
        let mut client = Client::connect(gateway.addr()).unwrap();
        client.request("GET", path, &[], b"").unwrap().status
    };
    assert_eq!(get("/none"), 404);
    let told = gateway.wait_errors("PHP-FPM finds no such script").unwrap();
    let script = root.path().canonicalize().unwrap().join("index.php");
    for part in [
        script.to_str().unwrap(),
        "front_controller",
        "chroot",
        "remote_root",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert_eq!(get("/bare"), 404);
    let told = gateway.wait_errors("was not told which script to run").unwrap();
    assert!(told.contains("script_filename"), "{told}");
}

#[test]
fn a_crash_is_no_endpoint_that_is_down() {
    let backend = Scripted::start(|mut connection| {
        let request = connection.read_fastcgi()?;
        match request.param("REQUEST_METHOD") {
            Some("POST") => Ok(()),
            _ => connection.fastcgi_response(request.id, b"Content-Type: text/plain\r\n\r\nfine"),
        }
    })
    .unwrap();
    let gateway = gateway(&[&backend.address()], "");
    assert_eq!(ask(&gateway, "GET").status, 200);
    assert_eq!(ask(&gateway, "POST").status, 502);
    let told = gateway.wait_errors("exchanges broke").unwrap();
    assert!(!told.contains("endpoint is down"), "{told}");
    assert_eq!(ask(&gateway, "GET").status, 200);
}

#[test]
fn a_check_that_fails_says_what_was_asked() {
    let backend = Scripted::start(|mut connection| {
        connection.read_http()?;
        connection.write("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")?;
        connection.wait_close().map(drop)
    })
    .unwrap();
    let gateway = start(&format!(
        "[upstream.app]\nprotocol = \"http\"\nendpoints = [\"{}\"]\n\
         health = {{ path = \"/healthz?deep\", host = \"api.example\", interval = \"100ms\", fall = 1 }}\n\
         [[route]]\nproxy = {{ upstream = \"app\" }}\n",
        backend.address()
    ));
    let told = gateway.wait_errors("endpoint is down").unwrap();
    assert!(told.contains("error=status 404"), "{told}");
    assert!(
        told.contains("asked=\"GET /healthz?deep on api.example\""),
        "{told}"
    );
}
