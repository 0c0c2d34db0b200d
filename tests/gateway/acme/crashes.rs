//! A process that is killed at any step of an order, and the next one.

use std::time::Duration;

use testbed::{DirectoryScript, Signal};

use super::Site;

/// The directory has done what it was asked, and the gateway does not hear of it any more: the worst moment of each step.
#[test]
fn an_order_survives_a_kill_at_every_request() {
    for stop_at in 1.. {
        let site = Site::new(DirectoryScript {
            stop_at: Some(stop_at),
            ..DirectoryScript::default()
        });
        let first = site.start("", "");
        let Some(stopped) = site.directory.stopped(Duration::from_secs(10)) else {
            site.wait_certificate(&first);
            assert!(stop_at > 6, "{} requests", stop_at - 1);
            return;
        };
        first.signal(Signal::KILL).unwrap();
        let mut first = first;
        first.wait(Duration::from_secs(10)).unwrap();
        drop(stopped);
        drop(first);
        let second = site.start("", "");
        site.wait_certificate(&second);
        let orders = site.directory.orders();
        assert_eq!(
            orders.len(),
            1,
            "killed at request {stop_at}: {:#?}",
            site.directory.asked()
        );
        assert_eq!(site.directory.open(), 0, "killed at request {stop_at}");
    }
}

/// Whatever is left behind is looked at once more, and is nothing.
#[test]
fn nothing_of_an_order_is_left_when_it_is_over() {
    let site = Site::new(DirectoryScript::default());
    let gateway = site.start("", "");
    site.wait_certificate(&gateway);
    site.wait(&gateway, "a challenge is left", || {
        let challenges = site.store.path().join("challenges/http");
        std::fs::read_dir(challenges).is_ok_and(|mut entries| entries.next().is_none())
    });
    let mut client = testbed::Client::connect(site.http).unwrap();
    let path = "/.well-known/acme-challenge/token-0";
    let answer = client
        .request("GET", path, &[("Host", super::site::HOST)], b"")
        .unwrap();
    assert_eq!(answer.status, 308);
    let status = site.status();
    assert_eq!(
        status["acme"]["certificates"]["shop.example"]["state"], "valid",
        "{status:#}"
    );
    assert_eq!(status["acme"]["issued"], 1);
}
