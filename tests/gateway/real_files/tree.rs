//! The files that both send.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// Paths that are files, as a client asks for them.
pub(super) const FILES: [&str; 12] = [
    "/page.html",
    "/style.css",
    "/app.js",
    "/large.bin",
    "/empty.txt",
    "/a%20b.txt",
    "/%C3%BC.txt",
    "/README",
    "/dir/index.html",
    "/dir/sub/deep.txt",
    "/link.txt",
    "/linked/index.html",
];

/// When all of them were changed: `Sun, 06 Nov 1994 08:49:37 GMT` and a bit.
const CHANGED: Duration = Duration::from_millis(784_111_777_250);

/// Makes the tree at `root`, and what its links lead to beside it in `outside`.
pub(super) fn grow(outside: &Path, root: &Path) {
    let write = |path: &str, bytes: &[u8]| {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        touch(&path);
    };
    let pattern = |length: usize| -> Vec<u8> { (0..length).map(|at| (at % 251) as u8).collect() };
    write("page.html", b"0123456789");
    write("style.css", &pattern(3000));
    write("app.js", &pattern(5000));
    write("app.js.gz", b"\x1f\x8b as if it were gzip");
    write("large.bin", &pattern(300_000));
    write("empty.txt", b"");
    write("a b.txt", b"a blank");
    write("\u{fc}.txt", b"a letter");
    write("README", b"no ending");
    write("dir/index.html", b"an index");
    write("dir/sub/deep.txt", b"deep down");
    write("list/one.txt", b"1");
    write("list/two.css", b"22");
    write("list/sub/three.txt", b"333");
    write(".hidden", b"hidden");
    write(".git/config", b"hidden");
    write(".well-known/security.txt", b"seen");
    write("script.php", b"<?php secret();");
    fs::write(outside.join("secret.txt"), "outside").unwrap();
    touch(&outside.join("secret.txt"));
    for (link, target) in [
        ("link.txt", "page.html"),
        ("linked", "dir"),
        ("out.txt", "../secret.txt"),
        ("broken.txt", "nowhere"),
        ("loop.txt", "loop.txt"),
    ] {
        symlink(target, root.join(link)).unwrap();
    }
    // Directories are listed with their times.
    for directory in ["list/sub", "list"] {
        touch(&root.join(directory));
    }
    rustix::fs::mknodat(
        rustix::fs::CWD,
        root.join("fifo"),
        rustix::fs::FileType::Fifo,
        0o600.into(),
        0,
    )
    .unwrap();
}

fn touch(path: &Path) {
    let file = File::open(path).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + CHANGED).unwrap();
}
