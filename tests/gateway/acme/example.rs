//! The example, as it is but for its paths, its ports and its directory.

use std::fs;

use testbed::{Client, DirectoryScript, Tls, TlsClient};

use super::Site;
use crate::start;

#[test]
fn https_acme() {
    let site = Site::new(DirectoryScript::default());
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("index.html"), "hello").unwrap();
    let file = testbed::workspace().join("examples/configs/https-acme.toml");
    let mail = "email = \"ops@shop.example\"\n";
    let more = format!(
        "{mail}store = \"{}\"\ndirectory = [{{ url = \"{}\" }}]\n",
        site.store.path().display(),
        site.directory.url()
    );
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(mail));
    let text = text
        .replace(mail, &more)
        .replace("0.0.0.0:443", &site.https.to_string())
        .replace("0.0.0.0:80", &site.http.to_string())
        .replace("/srv/shop/public", &root.path().display().to_string())
        .replace("unix:/run/php/php-fpm.sock", "unix:{dir}/php.sock");
    let gateway = start(&text);
    for host in ["shop.example", "www.shop.example"] {
        let client = TlsClient {
            name: host,
            ..TlsClient::default()
        };
        let tls = Tls::new(&site.directory.authority, &client).unwrap();
        site.wait(&gateway, "no certificate", || {
            Client::connect_tls(site.https, &tls).is_ok()
        });
        let mut client = Client::connect_tls(site.https, &tls).unwrap();
        let answer = client
            .request("GET", "/index.html", &[("Host", host)], b"")
            .unwrap();
        match host {
            "shop.example" => assert_eq!((answer.status, answer.text().as_str()), (200, "hello")),
            _ => assert_eq!(answer.header("location"), Some("https://shop.example/index.html")),
        }
    }
}
