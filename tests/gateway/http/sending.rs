//! What is sent of files: parts, codings, lifetimes and lists, over HTTP/1 and HTTP/2, while the files change.

use std::fs::{self, File};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::frames::*;
use super::site::Site;

/// More than the socket buffers on the way hold.
const LARGE: usize = 24 * 1024 * 1024;

/// Where files are, and a site with them below `/files`.
fn site(more: &str) -> (TempDir, Site) {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("page.html"), "0123456789").unwrap();
    fs::write(dir.path().join("app.3f2a1c.js"), "plain").unwrap();
    fs::write(dir.path().join("app.3f2a1c.js.br"), "coded").unwrap();
    fs::write(dir.path().join("large.bin"), vec![b'x'; LARGE]).unwrap();
    let root = dir.path().display();
    let table = format!("[[route]]\npath = \"/files\"\nfiles = {{ alias = \"{root}\"{more} }}\n");
    (dir, Site::with("", &table))
}

/// An answer of HTTP/1 and the same of HTTP/2: status and body.
fn both(site: &Site, path: &str, fields: &[(&str, &str)]) -> [(u16, String); 2] {
    let one = site.request("GET", path, fields, b"");
    let head = [
        (":method", "GET"),
        (":scheme", "http"),
        (":authority", "a.example"),
        (":path", path),
    ];
    let lower: Vec<(String, &str)> = fields
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), *value))
        .collect();
    let lower = lower.iter().map(|(name, value)| (name.as_str(), *value));
    let fields: Vec<(&str, &str)> = head.into_iter().chain(lower).collect();
    let Outcome::Answer(status, body) = site.http2().ask(&fields, b"") else {
        panic!("no answer to {path}");
    };
    [(one.status, one.text()), (status, body)]
}

#[test]
fn parts_codings_and_lists_are_the_same_in_both_versions() {
    let (_dir, site) = site(", precompressed = true, listing = true, expires = [{ hashed = true }]");
    for (status, body) in both(&site, "/files/page.html", &[("Range", "bytes=0-1,5-6")]) {
        assert_eq!(status, 206);
        for part in ["bytes 0-1/10\r\n\r\n01\r\n--", "bytes 5-6/10\r\n\r\n56\r\n--"] {
            assert!(body.contains(part), "{body}");
        }
    }
    let coded = both(&site, "/files/app.3f2a1c.js", &[("Accept-Encoding", "br")]);
    assert_eq!(coded, [(200, "coded".to_owned()), (200, "coded".to_owned())]);
    for (status, body) in both(&site, "/files/", &[("Accept", "application/json")]) {
        assert_eq!(status, 200);
        let items: serde_json::Value = serde_json::from_str(&body).unwrap();
        let names: Vec<_> = items
            .as_array()
            .unwrap()
            .iter()
            .map(|item| &item["name"])
            .collect();
        assert_eq!(
            names,
            ["app.3f2a1c.js", "app.3f2a1c.js.br", "large.bin", "page.html"]
        );
    }
    let answer = site.request("GET", "/files/app.3f2a1c.js", &[], b"");
    assert_eq!(
        answer.header("cache-control"),
        Some("max-age=31536000, immutable")
    );
    assert_eq!(answer.header("vary"), Some("Accept-Encoding"));
    let answer = site.request("GET", "/files/page.html", &[], b"");
    assert_eq!(answer.header("cache-control"), None);
}

#[test]
fn a_list_has_no_length_and_every_client_gets_to_its_end() {
    let (_dir, site) = site(", listing = true");
    let answer = site.request("GET", "/files/", &[], b"");
    assert_eq!(answer.header("transfer-encoding"), Some("chunked"));
    assert!(answer.text().contains("./page.html"));
    let mut old = site.client();
    old.send("GET /files/ HTTP/1.0\r\nHost: a.example\r\n\r\n")
        .unwrap();
    let page = String::from_utf8(old.rest().unwrap()).unwrap();
    assert!(page.ends_with("</table>\n"), "{page}");
}

#[test]
fn a_thousand_overlapping_ranges_are_one_file() {
    let (_dir, site) = site("");
    let ranges: Vec<String> = (0..1000).map(|at| format!("{at}-20000000")).collect();
    let range = format!("bytes={}", ranges.join(","));
    let mut client = site.client();
    let answer = client
        .request("GET", "/files/large.bin", &[("Range", &range)], b"")
        .unwrap();
    assert_eq!((answer.status, answer.body.len()), (200, LARGE));
    // No more than a client that wants all of it costs.
    assert!(site.gateway.peak() < 128 * 1024 * 1024, "{}", site.gateway.peak());
}

#[test]
fn a_file_that_is_replaced_or_deleted_while_it_is_sent_is_sent_as_it_was() {
    let (dir, site) = site("");
    let large = dir.path().join("large.bin");
    let mut clients = [site.client(), site.client()];
    for client in &mut clients {
        client.send_request("GET", "/files/large.bin", &[], b"").unwrap();
        assert_eq!(client.read_head().unwrap().status, 200);
    }
    fs::write(dir.path().join("new"), vec![b'y'; 10]).unwrap();
    fs::rename(dir.path().join("new"), &large).unwrap();
    assert!(clients[0].take(LARGE).unwrap() == vec![b'x'; LARGE]);
    fs::remove_file(&large).unwrap();
    assert!(clients[1].take(LARGE).unwrap() == vec![b'x'; LARGE]);
    for client in &mut clients {
        let next = client.request("GET", "/files/large.bin", &[], b"").unwrap();
        assert_eq!(next.status, 404);
    }
}

#[test]
fn a_file_that_becomes_shorter_resets_its_stream_and_no_other() {
    let (dir, site) = site("");
    let mut http = site.http2();
    let ask = |path| {
        [
            (":method", "GET"),
            (":scheme", "http"),
            (":authority", "a.example"),
            (":path", path),
        ]
    };
    http.headers(1, &ask("/files/large.bin"), END_STREAM);
    assert_eq!(status_of(&http.head(1)), 200);
    let large = File::options().write(true).open(dir.path().join("large.bin"));
    large.unwrap().set_len(1000).unwrap();
    // Now there is room for the rest, which is not there.
    for stream in [0, 1] {
        http.frame(WINDOW_UPDATE, 0, stream, &0x7000_0000_u32.to_be_bytes());
    }
    assert_eq!(http.outcome(1), Outcome::Reset);
    let next = http.ask_on(3, &ask("/files/page.html"), b"");
    assert_eq!(next, Outcome::Answer(200, "0123456789".to_owned()));
    assert_eq!(site.log(2)[0]["reason"], "file_failed");
}

#[test]
fn parts_of_a_file_that_becomes_shorter_are_cut_off() {
    let (dir, site) = site("");
    let mut client = site.client();
    let range = [("Range", "bytes=0-9999999,10000001-20000000")];
    client
        .send_request("GET", "/files/large.bin", &range, b"")
        .unwrap();
    let head = client.read_head().unwrap();
    assert_eq!(head.status, 206);
    let length: usize = head.header("content-length").unwrap().parse().unwrap();
    let large = File::options().write(true).open(dir.path().join("large.bin"));
    large.unwrap().set_len(1000).unwrap();
    assert!(client.rest().map_or(0, |rest| rest.len()) < length);
    assert_eq!(site.log(1)[0]["reason"], "file_failed");
}

#[test]
fn a_small_file_that_changes_is_sent_anew_soon() {
    let (dir, site) = site("");
    let mut client = site.client();
    let mut text = || {
        client
            .request("GET", "/files/page.html", &[], b"")
            .unwrap()
            .text()
    };
    assert_eq!(text(), "0123456789");
    fs::write(dir.path().join("page.html"), "9876543210").unwrap();
    let begun = Instant::now();
    while text() != "9876543210" {
        assert!(begun.elapsed() < Duration::from_secs(10), "it is still kept");
    }
}

#[test]
fn without_memory_for_files_each_change_is_seen_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().display();
    let table = format!("[[route]]\npath = \"/files\"\nfiles = {{ alias = \"{root}\" }}\n");
    let site = Site::with("file_cache = 0", &table);
    let mut client = site.client();
    for text in ["one", "two", "six"] {
        fs::write(dir.path().join("a.txt"), text).unwrap();
        let answer = client.request("GET", "/files/a.txt", &[], b"").unwrap();
        assert_eq!(answer.text(), text);
    }
}

#[test]
fn a_reload_tells_something_else_of_the_same_file_at_once() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("page.html"), "0123456789").unwrap();
    let root = dir.path().display();
    let table =
        |more: &str| format!("[[route]]\npath = \"/files\"\nfiles = {{ alias = \"{root}\"{more} }}\n");
    let site = Site::with("", &table(""));
    let mut client = site.client();
    let mut told = || {
        let answer = client.request("GET", "/files/page.html", &[], b"").unwrap();
        let field = |name| answer.header(name).map(str::to_owned);
        (field("content-type").unwrap(), field("cache-control"))
    };
    assert_eq!(told(), ("text/html".to_owned(), None));
    site.reload(
        "",
        &table(
            ", types = { html = \"text/x-page\" }, expires = [{ type = \"text/x-page\", after = \"1m\" }]",
        ),
    );
    assert_eq!(told(), ("text/x-page".to_owned(), Some("max-age=60".to_owned())));
}

#[test]
fn files_beside_scripts_are_sent_by_the_same_rules() {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("style.css", "plain"),
        ("style.css.gz", "coded"),
        ("index.php", ""),
    ] {
        fs::write(dir.path().join(name), text).unwrap();
    }
    let root = dir.path().display();
    let site = Site::with(
        "",
        &format!(
            "[[route]]\npath = \"/php\"\nphp = {{ upstream = \"app\", alias = \"{root}\", precompressed = [\"gzip\"], \
             max_ranges = 1, expires = [{{ suffix = \".css\", after = \"2m\" }}] }}\n"
        ),
    );
    let ask = |target: &str, fields: &[(&str, &str)]| site.request("GET", target, fields, b"");
    let answer = ask("/php/style.css", &[("Accept-Encoding", "gzip")]);
    assert_eq!(
        (answer.status, &*answer.text(), answer.header("content-type")),
        (200, "coded", Some("text/css"))
    );
    assert_eq!(answer.header("cache-control"), Some("max-age=120"));
    let answer = ask("/php/style.css", &[("Range", "bytes=0-0,2-2")]);
    assert_eq!((answer.status, &*answer.text()), (200, "plain"));
    let answer = ask("/php/index.php", &[]);
    assert_eq!((answer.status, answer.header("cache-control")), (200, None));
}
