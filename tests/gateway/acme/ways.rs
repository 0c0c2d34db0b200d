//! Which directory is asked, for what.

use std::fs;

use testbed::{Client, Directory, DirectoryScript, Signal, Tls, TlsClient, der};

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

/// Of Let's Encrypt, for instance, with a customer's account at another one.
#[test]
fn a_directory_that_is_asked_too_often_is_left_alone_and_the_next_one_is_asked() {
    let site = Site::new(DirectoryScript {
        wants_customer: true,
        ..DirectoryScript::default()
    });
    let first = Directory::start(DirectoryScript {
        refuse: Some((0, "rateLimited".to_owned())),
        ..DirectoryScript::default()
    })
    .unwrap();
    let directories = format!(
        "[[acme.directory]]\nurl = \"{}\"\n[[acme.directory]]\nurl = \"{}\"\n\
         eab = {{ id = \"customer\", key = \"c2VjcmV0\" }}\n",
        first.url(),
        site.directory.url()
    );
    let gateway = start(&site.config_at(site.http, site.https, &directories));
    // The first one wants an hour; the next way is another directory's, in a minute.
    gateway.wait_errors("rateLimited").unwrap();
    let told = gateway.errors();
    let again = told.split("again_in=").nth(1).unwrap();
    let seconds: u64 = again.split('s').next().unwrap().parse().unwrap();
    assert!((1..=66).contains(&seconds), "{told}");
    // At once, instead of in a minute.
    gateway.signal(Signal::HUP).unwrap();
    site.wait_certificate(&gateway);
    assert_eq!((first.orders().len(), site.directory.orders().len()), (1, 1));
    assert_eq!(site.directory.accounts(), 1);
}

/// Over HTTP, and in handshakes whose clients name the reverse of the address.
#[test]
fn addresses_have_certificates() {
    for is_tls in [false, true] {
        let site = Site::new(DirectoryScript::default());
        if is_tls {
            site.directory.script(|script| script.tls = Some(site.https));
        }
        let routes = "[[route]]\nhost = \"192.0.2.7\"\nrespond = { body = \"four\" }\n\
                      [[route]]\nhost = \"[2001:db8::7]\"\nrespond = { body = \"six\" }\n";
        let challenge = if is_tls { "tls-alpn-01" } else { "http-01" };
        let config = site.config(&format!("challenge = \"{challenge}\""), "") + routes;
        let gateway = start(&config);
        for (address, file) in [("192.0.2.7", "192.0.2.7.pem"), ("2001:db8::7", "2001:db8::7.pem")] {
            let file = site.store.path().join("certificates").join(file);
            let tls = Tls::new(&site.directory.authority, &TlsClient::default()).unwrap();
            site.wait(&gateway, address, || {
                fs::read_to_string(&file).is_ok_and(|pem| tls.believes(&der(&pem), address))
            });
        }
        let orders = site.directory.orders();
        let wanted = |kind: &str, value: &str| {
            let identifier = serde_json::json!([{ "type": kind, "value": value }]);
            orders
                .iter()
                .filter(|order| order["identifiers"] == identifier)
                .count()
        };
        assert_eq!(
            (
                wanted("ip", "192.0.2.7"),
                wanted("ip", "2001:db8::7"),
                wanted("dns", HOST)
            ),
            (1, 1, 1),
            "{orders:?}"
        );
    }
}

/// A handshake shows one answer for a name.
#[test]
fn certificates_for_the_same_name_are_ordered_one_after_the_other() {
    let site = Site::new(DirectoryScript::default());
    site.directory.script(|script| script.tls = Some(site.https));
    let keys = "challenge = \"tls-alpn-01\"\nkey = [\"ecdsa-p256\", \"ecdsa-p384\", \"rsa-2048\"]";
    let gateway = site.start(keys, "");
    for file in [
        "shop.example.pem",
        "shop.example.p384.pem",
        "shop.example.rsa.pem",
    ] {
        let file = site.store.path().join("certificates").join(file);
        let root = der(&site.directory.authority.pem());
        let tls = Tls::believing(root, &TlsClient::default()).unwrap();
        site.wait(&gateway, "no certificate", || {
            fs::read_to_string(&file).is_ok_and(|pem| tls.believes(&der(&pem), HOST))
        });
    }
    assert!(!gateway.errors().contains("again_in"), "{}", gateway.errors());
}
