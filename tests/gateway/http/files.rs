//! Files: large ones over HTTP/1, which the kernel copies to the socket, and what is told about them.

use std::fs::{self, File};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use super::site::Site;

/// More than the socket buffers on the way hold.
const LARGE: usize = 24 * 1024 * 1024;

fn bytes() -> Vec<u8> {
    (0..LARGE).map(|at| (at % 251) as u8).collect()
}

/// A site with one large file.
fn site() -> (Site, PathBuf, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("large.bin");
    fs::write(&file, bytes()).unwrap();
    let root = directory.path().display();
    let site = Site::with(
        "",
        &format!("[[route]]\npath = \"/files\"\nfiles = {{ alias = \"{root}\" }}"),
    );
    (site, file, directory)
}

#[test]
fn a_large_file_and_its_parts_arrive_whole_on_one_connection() {
    let (site, _, _directory) = site();
    let mut client = site.client();
    let whole = client.request("GET", "/files/large.bin", &[], b"").unwrap();
    assert_eq!((whole.status, whole.complete), (200, true));
    assert!(whole.body == bytes());
    let range = [("Range", "bytes=1000000-20000000")];
    let part = client.request("GET", "/files/large.bin", &range, b"").unwrap();
    assert_eq!((part.status, part.complete), (206, true));
    assert!(part.body == bytes()[1_000_000..=20_000_000]);
    assert_eq!(client.request("GET", "/fixed", &[], b"").unwrap().status, 200);
    let log = site.log(3);
    assert_eq!(log[0]["response_bytes"], LARGE);
    assert_eq!(log[1]["response_bytes"], 19_000_001);
}

#[test]
fn a_file_that_becomes_shorter_is_cut_off_and_never_ends_cleanly() {
    let (site, file, _directory) = site();
    let mut client = site.client();
    client.send_request("GET", "/files/large.bin", &[], b"").unwrap();
    assert_eq!(client.read_head().unwrap().status, 200);
    File::options()
        .write(true)
        .open(&file)
        .unwrap()
        .set_len(1000)
        .unwrap();
    assert!(client.rest().map_or(0, |rest| rest.len()) < LARGE);
    assert_eq!(site.log(1)[0]["reason"], "file_failed");
}

#[test]
fn a_link_that_leaves_the_root_is_followed_or_refused_by_name() {
    let (site, file, directory) = site();
    drop(site);
    let root = directory.path().join("site");
    fs::create_dir(&root).unwrap();
    std::os::unix::fs::symlink(&file, root.join("link.bin")).unwrap();
    let files = |path: &str, more: &str| {
        let root = root.display();
        format!("[[route]]\npath = \"/{path}\"\nfiles = {{ alias = \"{root}\"{more} }}\n")
    };
    let tables = [files("follow", ""), files("inside", ", symlinks = \"inside\"")].concat();
    let site = Site::with("", &tables);
    assert_eq!(site.request("HEAD", "/follow/link.bin", &[], b"").status, 200);
    let refused = site.request("GET", "/inside/link.bin", &[], b"");
    assert_eq!(
        (refused.status, refused.header("bridgehead-error")),
        (403, Some("symlink_refused"))
    );
    let told = site.gateway.wait_errors("symlink_refused").unwrap();
    assert!(
        told.contains("/inside/link.bin") && told.contains("symlinks = \"inside\""),
        "{told}"
    );
}

#[test]
fn no_answer_is_older_than_the_file_that_it_has() {
    let (site, file, _directory) = site();
    let tomorrow = SystemTime::now() + Duration::from_secs(86_400);
    File::options()
        .write(true)
        .open(&file)
        .unwrap()
        .set_modified(tomorrow)
        .unwrap();
    let mut client = site.client();
    for (method, fields, status) in [
        ("HEAD", &[][..], 200),
        ("GET", &[("Range", "bytes=0-0")], 206),
        ("GET", &[("If-None-Match", "*")], 304),
    ] {
        let answer = client.request(method, "/files/large.bin", fields, b"").unwrap();
        assert_eq!(answer.status, status);
        let date = |name| httpdate::parse_http_date(answer.header(name).unwrap()).unwrap();
        assert!(date("last-modified") <= date("date"), "{answer:?}");
    }
}

#[test]
fn a_charset_and_several_index_files_are_had_for_the_asking() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("index.htm"), "<meta charset=\"utf-8\">").unwrap();
    let root = directory.path().display();
    let files = |host: &str, more: &str| {
        format!("[[route]]\nhost = \"{host}\"\nfiles = {{ root = \"{root}\"{more} }}\n")
    };
    let index = ", index = [\"index.html\", \"index.htm\"]";
    let tables = [
        files("plain.test", index),
        files("said.test", &format!("{index}, charset = \"utf-8\"")),
        files("one.test", ", index = \"index.html\""),
    ];
    let site = Site::with("", &tables.concat());
    let ask = |host: &str| site.request("GET", "/", &[("Host", host)], b"");
    for (host, kind) in [
        ("plain.test", "text/html"),
        ("said.test", "text/html; charset=utf-8"),
    ] {
        let answer = ask(host);
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (200, Some(kind)),
            "{host}"
        );
    }
    assert_eq!(ask("one.test").status, 404);
}

#[test]
fn a_root_keeps_the_path_of_the_route_and_an_alias_stands_for_it() {
    let directory = tempfile::tempdir().unwrap();
    let inner = directory.path().join("inner");
    fs::create_dir(&inner).unwrap();
    fs::write(inner.join("index.html"), "inner").unwrap();
    let (root, alias) = (directory.path().display(), inner.display());
    let tables = format!(
        "[[route]]\npath = \"/inner\"\nfiles = {{ root = \"{root}\" }}\n\
         [[route]]\npath = \"/other\"\nfiles = {{ alias = \"{alias}\" }}\n"
    );
    let site = Site::with("", &tables);
    for path in ["/inner", "/other"] {
        let found = site.request("GET", &format!("{path}/index.html"), &[], b"");
        assert_eq!((found.status, found.text().as_str()), (200, "inner"), "{path}");
        // Links in the page are relative to its directory.
        let bare = site.request("GET", path, &[], b"");
        assert_eq!(
            (bare.status, bare.header("location")),
            (308, Some(format!("{path}/").as_str()))
        );
    }
    assert_eq!(
        site.request("GET", "/inner/inner/index.html", &[], b"").status,
        404
    );
}

#[test]
fn copies_of_a_file_have_one_tag_on_every_machine() {
    let machines = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let time = SystemTime::UNIX_EPOCH + Duration::new(784_111_777, 1);
    let answers = machines.map(|directory| {
        let name = directory.path().join("a.woff");
        fs::write(&name, "font").unwrap();
        File::options()
            .write(true)
            .open(&name)
            .unwrap()
            .set_modified(time)
            .unwrap();
        let root = directory.path().display();
        let table = format!("[[route]]\nhost = \"files.test\"\nfiles = {{ root = \"{root}\" }}");
        let site = Site::with("", &table);
        let answer = site.request("GET", "/a.woff", &[("Host", "files.test")], b"");
        assert_eq!(answer.header("content-type"), Some("font/woff"));
        answer.header("etag").unwrap().to_owned()
    });
    assert_eq!(answers[0], answers[1]);
    assert!(answers[0].starts_with('"'), "strong: {}", answers[0]);
}
