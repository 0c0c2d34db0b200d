//! The gateway inside another program: there are no signals, and its certificates are renewed all the same.

use std::sync::mpsc;
use std::thread;

use bridgehead::app::{App, Ended};
use bridgehead::config;
use testbed::{Authority, Client, Tls, TlsClient};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use super::eventually;

#[test]
fn a_library_reads_renewed_certificates_again() {
    let authority = Authority::new("Test Authority").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let issue = || {
        let issued = authority.issue(&["shop.example"]).unwrap();
        issued.write(dir.path(), "shop").unwrap();
        testbed::der(&issued.cert)
    };
    let first = issue();
    let text = "[server]\ntemp_dir = \"DIR\"\n[tls]\nwatch = \"50ms\"\n\
                certificates = [{ cert = \"DIR/shop.pem\", key = \"DIR/shop.key\" }]\n\
                [[listen]]\naddress = \"127.0.0.1:0\"\ntls = true\n[[route]]\nrespond = {}\n";
    let text = text.replace("DIR", dir.path().to_str().unwrap());
    let (config, _) = config::parse("site.toml", &text, &|_| None).unwrap();
    let (address, addresses) = mpsc::channel();
    let (stop, stopped) = oneshot::channel();
    let gateway = thread::spawn(move || {
        Runtime::new().unwrap().block_on(async move {
            let app = App::build(config).await.unwrap();
            address.send(app.addresses().next().unwrap().to_string()).unwrap();
            app.run_until(async { stopped.await.unwrap() }).await
        })
    });
    let address = addresses.recv().unwrap().parse().unwrap();
    let client = TlsClient {
        name: "shop.example",
        ..TlsClient::default()
    };
    let shown = || {
        let tls = Tls::new(&authority, &client).unwrap();
        Client::connect_tls(address, &tls).unwrap().agreed().certificate
    };
    assert_eq!(shown(), first);
    let second = issue();
    eventually("the new certificate", || shown() == second);
    stop.send(()).unwrap();
    assert_eq!(gateway.join().unwrap(), Ended::Drained);
}
