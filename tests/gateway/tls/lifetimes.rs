//! How long certificates are good, for eyes and collectors.

use bridgehead::transport::tls::CertificateFacts;
use serde_json::json;
use testbed::{Response, Wanted};

use super::{Site, eventually};

impl Site {
    fn get(&self, target: &str) -> Response {
        self.connect(&self.tls())
            .request("GET", target, &[], b"")
            .unwrap()
    }
}

fn end(pem: &str) -> i64 {
    CertificateFacts::of_pem(pem.as_bytes()).unwrap().not_after
}

#[test]
fn the_end_of_each_certificate_is_shown_and_follows_its_renewal() {
    let status = "[[route]]\npath = \"/-/metrics\"\nstatus = {}\n\
                  [[route]]\npath = \"/-/status\"\nstatus = { format = \"json\" }\n";
    let site = Site::with("watch = \"50ms\"", "tls = true", status);
    let file = site.dir.path().join("shop.pem");
    let pem = std::fs::read_to_string(&file).unwrap();
    let line = |end: i64| {
        format!(
            "bridgehead_certificate_not_after_seconds{{certificate=\"{}\",name=\"shop.example\"}} {end}\n",
            file.display()
        )
    };
    let metrics = site.get("/-/metrics").text();
    assert!(metrics.contains(&line(end(&pem))), "{metrics}");
    let page: serde_json::Value = serde_json::from_slice(&site.get("/-/status").body).unwrap();
    let wanted = json!([{
        "file": file.display().to_string(),
        "names": ["shop.example", "127.0.0.1"],
        "not_after_seconds": end(&pem),
    }]);
    assert_eq!(page["certificates"], wanted);

    let names = ["shop.example", "127.0.0.1"];
    let renewed = site.authority.issue_as(&Wanted {
        names: &names,
        until: 2090,
        ..Wanted::default()
    });
    let renewed = renewed.unwrap();
    assert_ne!(end(&renewed.cert), end(&pem));
    renewed.write(site.dir.path(), "shop").unwrap();
    eventually("the end of the new one", || {
        site.get("/-/metrics").text().contains(&line(end(&renewed.cert)))
    });
}
