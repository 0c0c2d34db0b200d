//! How fast answers go, at most.

use std::time::{Duration, Instant};

use testbed::{Client, Scripted};

use super::{ask, lines};
use crate::http::frames::{GET, Http2, Outcome};
use crate::start;

#[test]
fn answers_go_at_their_rate_behind_what_is_free() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("first"), [b'x'; 50]).unwrap();
    let application = Scripted::start(lines).unwrap();
    let gateway = start(&format!(
        "[upstream.app]\nprotocol = \"http\"\nendpoints = [\"{}\"]\n\
         [snippet.slow]\nlimits = {{ bandwidth = 20, bandwidth_after = 10 }}\n\
         [[route]]\nuse = \"slow\"\nfiles = {{ alias = \"{}\" }}\n\
         [[route]]\npath = \"/app\"\nuse = \"slow\"\nproxy = {{ upstream = \"app\" }}\n\
         [[route]]\npath = \"/free\"\nlimits = {{ bandwidth = 1, bandwidth_after = \"1KiB\" }}\n\
         respond = {{ body = \"{}\" }}\n",
        application.address(),
        dir.path().display(),
        "y".repeat(1000),
    ));
    let long = format!("/app/{}", "z".repeat(41));
    for (target, length, least) in [
        ("/first", 50, Duration::from_millis(950)),
        (&*long, 50, Duration::from_millis(950)),
        ("/free", 1000, Duration::ZERO),
    ] {
        let start = Instant::now();
        let answer = ask(&gateway, "GET", "a.test", target, &[]);
        assert_eq!((answer.status, answer.body.len()), (200, length), "{target}");
        // Ten bytes and those of a second go at once, never more; how slow this machine is does not matter.
        assert!(start.elapsed() >= least, "{target}: {:?}", start.elapsed());
    }
    let start = Instant::now();
    let mut http2 = Http2::begin(Client::connect(gateway.addr()).unwrap());
    let outcome = http2.ask(&GET, b"");
    assert!(matches!(&outcome, Outcome::Answer(200, body) if body.len() == 50));
    assert!(start.elapsed() >= Duration::from_millis(950));
}
