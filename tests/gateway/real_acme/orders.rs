//! Orders from the wish to the certificate, by every challenge.

use testbed::{Client, PebbleOptions};

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
