//! Orders from the wish to the certificate, by every challenge.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};

use testbed::{Client, Pebble, PebbleOptions, free_address, install_script};

use super::Site;

#[test]
fn a_host_and_an_address_of_mail_are_enough() {
    let site = Site::new(&PebbleOptions::default());
    let gateway = site.start("", &["shop.example"]);
    assert!(gateway.errors().contains("placeholder"), "{}", gateway.errors());
    site.wait_certificate(&gateway, "shop.example");
    let answer = site.get("shop.example").unwrap();
    assert_eq!((answer.status, answer.body), (200, b"shop.example".to_vec()));
    assert_eq!(site.pebble.orders(), 1);
}

#[test]
fn a_client_without_tls_is_sent_to_it() {
    let site = Site::new(&PebbleOptions::default());
    let _gateway = site.start("", &["shop.example"]);
    let mut client = Client::connect(site.http).unwrap();
    let answer = client
        .request("POST", "/a?b=c", &[("Host", "shop.example")], b"")
        .unwrap();
    assert_eq!(answer.status, 308);
    let to = format!("https://shop.example:{}/a?b=c", site.https.port());
    assert_eq!(answer.header("location"), Some(&*to));
}

/// Twenty names, over HTTP and in handshakes, with a directory that refuses every second nonce and takes no authorization
/// again, or every one.
#[test]
fn twenty_of_twenty_orders_come_to_a_certificate() {
    let names: Vec<String> = (0..20).map(|number| format!("shop{number}.example")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for (challenge, reused_authorizations) in [("http-01", 0), ("tls-alpn-01", 100)] {
        let site = Site::new(&PebbleOptions {
            refused_nonces: 50,
            reused_authorizations,
            chain: 3,
            ..PebbleOptions::default()
        });
        let gateway = site.start(&format!("challenge = \"{challenge}\""), &names);
        for name in &names {
            site.wait_certificate(&gateway, name);
        }
        assert_eq!(site.pebble.orders(), 20, "{challenge}");
        assert!(!gateway.errors().contains("again_in"), "{}", gateway.errors());
    }
}

#[test]
fn a_wildcard_is_proven_by_our_own_answers_in_the_dns() {
    let dns: SocketAddr = free_address(Ipv4Addr::LOCALHOST.into()).unwrap();
    let site = Site::new(&PebbleOptions {
        dns: Some(dns),
        refused_nonces: 50,
        ..PebbleOptions::default()
    });
    let gateway = site.start(&format!("dns = {{ address = \"{dns}\" }}"), &["*.shop.example"]);
    site.wait_certificate(&gateway, "any.shop.example");
}

#[test]
fn a_program_makes_the_records_of_challenges() {
    let mut site = Site::new(&PebbleOptions::default());
    // The resolver of the directory takes records by HTTP.
    let management = free_address(Ipv4Addr::LOCALHOST.into()).unwrap();
    site.pebble = Pebble::start(&PebbleOptions {
        http_port: site.http.port(),
        tls_port: site.https.port(),
        resolver: Some(management),
        ..PebbleOptions::default()
    })
    .unwrap();
    let dir = tempfile::tempdir().unwrap();
    let hook = dir.path().join("hook");
    let script = format!(
        "#!/bin/sh\necho \"$@\" >> {}/calls\ncase $1 in\n\
         present) body='{{\"host\":\"'$2'\",\"value\":\"'$3'\"}}'; path=set-txt;;\n\
         *) body='{{\"host\":\"'$2'\"}}'; path=clear-txt;;\nesac\n\
         exec curl -s --fail -d \"$body\" http://{management}/$path\n",
        dir.path().display()
    );
    install_script(&script, &hook).unwrap();
    let acme = format!(
        "challenge = \"dns-01\"\nhook = {{ program = \"{}\" }}",
        hook.display()
    );
    let gateway = site.start(&acme, &["shop.example"]);
    site.wait_certificate(&gateway, "shop.example");
    let calls = fs::read_to_string(dir.path().join("calls")).unwrap();
    let actions: Vec<&str> = calls.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(actions, ["present", "cleanup"], "{calls}");
}

#[test]
fn a_customer_is_known_by_an_external_account() {
    let site = Site::new(&PebbleOptions {
        eab: true,
        ..PebbleOptions::default()
    });
    let (id, key) = Pebble::EAB;
    let config = site.config("", &["shop.example"]);
    let without = crate::start(&config);
    without
        .wait_errors("wants an external account: set `eab`")
        .unwrap();
    drop(without);
    fs::remove_dir_all(site.store.path().join("orders")).unwrap();
    let eab = format!("eab = {{ id = \"{id}\", key = \"{key}\" }}\n[[listen]]");
    let gateway = crate::start(&config.replacen("[[listen]]", &eab, 1));
    site.wait_certificate(&gateway, "shop.example");
}

#[test]
fn of_several_chains_the_one_is_served_that_is_wanted() {
    let site = Site::new(&PebbleOptions {
        alternate_roots: 2,
        chain: 3,
        ..PebbleOptions::default()
    });
    // Roots are made with each start, and named by numbers.
    let root = site.pebble.root_name(2).unwrap();
    let wanted = format!("preferred_chain = \"{root}\"\n[[listen]]");
    let gateway = crate::start(
        &site
            .config("", &["shop.example"])
            .replacen("[[listen]]", &wanted, 1),
    );
    site.wait_certificate_of(&gateway, "shop.example", 2);
}

#[test]
fn every_kind_of_key_has_its_certificate() {
    let site = Site::new(&PebbleOptions::default());
    let gateway = site.start(
        "key = [\"ecdsa-p256\", \"rsa-2048\", \"ecdsa-p384\"]",
        &["shop.example"],
    );
    site.wait_certificate(&gateway, "shop.example");
    for file in [
        "shop.example.pem",
        "shop.example.rsa.pem",
        "shop.example.p384.pem",
    ] {
        let file = site.store.path().join("certificates").join(file);
        site.wait(&gateway, || {
            fs::read_to_string(&file).is_ok_and(|pem| pem.matches("BEGIN CERT").count() == 2)
        });
    }
}

/// It looks only after some seconds.
#[test]
fn a_directory_that_takes_its_time_is_waited_for() {
    let site = Site::new(&PebbleOptions {
        slow: Some(5),
        ..PebbleOptions::default()
    });
    let gateway = site.start("", &["shop.example"]);
    site.wait_certificate(&gateway, "shop.example");
}
