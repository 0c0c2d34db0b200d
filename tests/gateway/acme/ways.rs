//! Which directory is asked, for what.

use testbed::{Client, DirectoryScript, Signal};

use super::Site;
use super::site::{HOST, free};
use crate::start;

#[test]
fn a_profile_is_asked_for_where_there_is_one() {
    let site = Site::new(DirectoryScript {
        profiles: vec!["shortlived".to_owned()],
        days: (6, 6),
        ..DirectoryScript::default()
    });
    let gateway = site.start("", "profile = \"shortlived\"");
    site.wait_certificate(&gateway);
    assert_eq!(site.directory.orders()[0]["profile"], "shortlived");
}

#[test]
fn a_profile_that_is_not_known_is_told() {
    let site = Site::new(DirectoryScript {
        profiles: vec!["classic".to_owned()],
        ..DirectoryScript::default()
    });
    let gateway = site.start("", "profile = \"shortlived\"");
    gateway
        .wait_errors("has no profile `shortlived`, but: classic")
        .unwrap();
    assert_eq!(site.directory.orders().len(), 0);
}

#[test]
fn behind_a_directory_that_does_not_answer_comes_the_next_one() {
    let site = Site::new(DirectoryScript::default());
    let nothing = free();
    let directories = format!(
        "challenge = \"http-01\"\n[[acme.directory]]\nurl = \"http://{nothing}/directory\"\n\
         [[acme.directory]]\nurl = \"{}\"\n",
        site.directory.url()
    );
    let gateway = start(&site.config_at(site.http, site.https, &directories));
    gateway.wait_errors("again_in").unwrap();
    // At once, instead of in a minute.
    gateway.signal(Signal::HUP).unwrap();
    site.wait_certificate(&gateway);
}

#[test]
fn only_tokens_of_ours_are_answered() {
    let site = Site::new(DirectoryScript::default());
    let config = site.config("redirect = false", "");
    let gateway = start(&config);
    site.wait_certificate(&gateway);
    let mut client = Client::connect(site.http).unwrap();
    for path in [
        "/.well-known/acme-challenge/unknown",
        "/.well-known/acme-challenge/../x",
    ] {
        let answer = client.request("GET", path, &[("Host", HOST)], b"").unwrap();
        assert_eq!((answer.status, answer.text().as_str()), (200, "shop"), "{path}");
    }
    let challenges = site.store.path().join("challenges/http");
    std::fs::write(challenges.join("mine"), "mine.print").unwrap();
    for (host, path, text) in [
        (HOST, "/.well-known/acme-challenge/mine", "mine.print"),
        (
            "unknown.example",
            "/.well-known/acme-challenge/mine",
            "mine.print",
        ),
        (HOST, "/.well-known/acme-challenge/mine/", "shop"),
        (HOST, "/.well-known/acme-challenge/mine?", "mine.print"),
    ] {
        let answer = client.request("GET", path, &[("Host", host)], b"").unwrap();
        assert_eq!(
            (answer.status, answer.text().as_str()),
            (200, text),
            "{host}{path}"
        );
    }
}

#[test]
fn a_certificate_that_is_configured_is_not_asked_for() {
    let site = Site::new(DirectoryScript::default());
    let dir = tempfile::tempdir().unwrap();
    let issued = site.directory.authority.issue(&["shop.example"]).unwrap();
    issued.write(dir.path(), "own").unwrap();
    let files = dir.path().display();
    let tls =
        format!("[tls]\ncertificates = [{{ cert = \"{files}/own.pem\", key = \"{files}/own.key\" }}]\n");
    let gateway = start(&(tls + &site.config("", "")));
    site.wait_certificate(&gateway);
    assert_eq!(site.directory.asked().len(), 0);
    assert!(!gateway.errors().contains("placeholder"), "{}", gateway.errors());
}
