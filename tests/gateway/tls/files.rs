//! Files over TLS: the kernel copies nothing there.

use std::fs::{self, File};

use super::Site;

/// More than the socket buffers on the way hold.
const LARGE: usize = 24 * 1024 * 1024;

#[test]
fn parts_of_a_file_arrive_and_one_that_becomes_shorter_is_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let bytes: Vec<u8> = (0..LARGE).map(|at| (at % 251) as u8).collect();
    fs::write(dir.path().join("large.bin"), &bytes).unwrap();
    fs::write(dir.path().join("small.txt"), "0123456789").unwrap();
    let root = dir.path().display();
    let table = format!("[[route]]\npath = \"/files\"\nfiles = {{ alias = \"{root}\" }}\n");
    let site = Site::with("", "tls = true", &table);
    let mut client = site.connect(&site.tls());
    for _ in 0..2 {
        let small = client.request("GET", "/files/small.txt", &[], b"").unwrap();
        assert_eq!((small.status, &*small.text()), (200, "0123456789"));
    }
    let range = [("Range", "bytes=0-99999,5000000-5099999")];
    let parts = client.request("GET", "/files/large.bin", &range, b"").unwrap();
    assert_eq!((parts.status, parts.complete), (206, true));
    for part in [&bytes[..100_000], &bytes[5_000_000..5_100_000]] {
        let mut windows = parts.body.windows(part.len());
        assert!(windows.any(|window| window == part));
    }
    client.send_request("GET", "/files/large.bin", &[], b"").unwrap();
    assert_eq!(client.read_head().unwrap().status, 200);
    let large = File::options().write(true).open(dir.path().join("large.bin"));
    large.unwrap().set_len(1000).unwrap();
    assert!(client.rest().map_or(0, |rest| rest.len()) < LARGE);
}
