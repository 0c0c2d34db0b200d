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

/// Twenty orders, for twenty names each once, and for ten names each with two keys: the directory takes no authorization
/// again, or each one. It refuses every second nonce, and has chains of three certificates.
fn twenty_of_twenty(challenge: &str) {
    let names: Vec<String> = (0..20).map(|number| format!("shop{number}.example")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (one, two) = ("[\"ecdsa-p256\"]", "[\"ecdsa-p256\", \"ecdsa-p384\"]");
    for (reused_authorizations, names, keys) in [(0, &names[..], one), (100, &names[..10], two)] {
        let dns: SocketAddr = free_address(Ipv4Addr::LOCALHOST.into()).unwrap();
        let is_dns = challenge == "dns-01";
        let site = Site::new(&PebbleOptions {
            refused_nonces: 50,
            reused_authorizations,
            chain: 3,
            dns: is_dns.then_some(dns),
            ..PebbleOptions::default()
        });
        let mut acme = format!("challenge = \"{challenge}\"\nkey = {keys}");
        if is_dns {
            acme.push_str(&format!("\ndns = {{ address = \"{dns}\" }}"));
        }
        let gateway = site.start(&acme, names);
        let files = ["", ".p384"].into_iter().take(20 / names.len());
        for file in files.flat_map(|kind| names.iter().map(move |name| format!("{name}{kind}.pem"))) {
            let file = site.store.path().join("certificates").join(file);
            // The chain without its root.
            site.wait(&gateway, || {
                fs::read_to_string(&file).is_ok_and(|pem| pem.matches("BEGIN CERT").count() == 4)
            });
        }
        assert!(names.iter().all(|name| site.get(name).is_some()), "{challenge}");
        assert_eq!(site.pebble.orders(), 20, "{challenge}");
        assert!(!gateway.errors().contains("again_in"), "{}", gateway.errors());
    }
}

#[test]
fn twenty_of_twenty_orders_come_to_a_certificate_by_http_01() {
    twenty_of_twenty("http-01");
}

#[test]
fn twenty_of_twenty_orders_come_to_a_certificate_by_tls_alpn_01() {
    twenty_of_twenty("tls-alpn-01");
}

#[test]
fn twenty_of_twenty_orders_come_to_a_certificate_by_dns_01() {
    twenty_of_twenty("dns-01");
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
