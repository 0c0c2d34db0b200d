//! Certificates that are renewed when their directory wants that (ARI).

use testbed::{DirectoryScript, Signal};

use super::Site;

const PAST: (&str, &str) = ("2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z");
const FUTURE: (&str, &str) = ("2090-01-01T00:00:00Z", "2090-01-02T00:00:00Z");

fn window((start, end): (&str, &str)) -> (String, String) {
    (start.to_owned(), end.to_owned())
}

#[test]
fn a_window_that_has_come_renews_without_a_reload() {
    let site = Site::new(DirectoryScript {
        windows: [(1, window(PAST)), (2, window(FUTURE))].into(),
        days: (90, 60),
        ..DirectoryScript::default()
    });
    let gateway = site.start("", "");
    site.wait(&gateway, "no second certificate", || {
        site.status()["acme"]["issued"] == 2
    });
    let orders = site.directory.orders();
    assert_eq!(orders.len(), 2, "{orders:#?}");
    assert_eq!(orders[0].get("replaces"), None);
    // The authority's key, and the number of the first certificate.
    let replaces = orders[1]["replaces"].as_str().unwrap();
    assert!(replaces.ends_with(".AQ"), "{replaces}");
    let served = || {
        let status = site.status();
        let mut certificates = status["certificates"].as_array().unwrap().iter();
        let certificate = certificates
            .find(|certificate| certificate["names"][0] == "shop.example")
            .unwrap();
        certificate["not_after_seconds"].as_u64().unwrap()
    };
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let days = |days: u64| now + days * 24 * 3600;
    site.wait(&gateway, "the certificate before is served", || {
        (days(58)..days(62)).contains(&served())
    });
    assert!(site.believed());
    assert!(!gateway.errors().contains("loaded again"));
}

#[test]
fn a_renewal_that_fails_leaves_the_certificate_alone() {
    let site = Site::new(DirectoryScript {
        windows: [(1, window(PAST))].into(),
        refuse: Some((1, "rateLimited".to_owned())),
        ..DirectoryScript::default()
    });
    let gateway = site.start("", "");
    site.wait_certificate(&gateway);
    let file = site.store.path().join("certificates/shop.example.pem");
    let before = std::fs::read(&file).unwrap();
    site.wait(&gateway, "no failure", || {
        site.status()["acme"]["failed"]["rate_limited"] == 1
    });
    assert!(std::fs::read(&file).unwrap() == before);
    assert!(site.believed());
    let certificate = &site.status()["acme"]["certificates"]["shop.example"];
    assert_eq!(certificate["failures"], 1, "{certificate:#}");
    assert!(certificate["not_after_seconds"].is_i64(), "{certificate:#}");
}

#[test]
fn what_is_refused_is_told_and_tried_again_at_a_reload() {
    let site = Site::new(DirectoryScript {
        refuse: Some((0, "rateLimited".to_owned())),
        ..DirectoryScript::default()
    });
    let gateway = site.start("challenge = \"http-01\"", "");
    gateway.wait_errors("rateLimited").unwrap();
    site.wait(&gateway, "not told", || {
        site.status()["acme"]["certificates"]["shop.example"]["state"] == "failed"
    });
    let status = site.status();
    assert_eq!(status["acme"]["failed"]["rate_limited"], 1, "{status:#}");
    let next = status["acme"]["certificates"]["shop.example"]["next_order_seconds"]
        .as_i64()
        .unwrap();
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    // As the directory wants it: an hour.
    assert!(next > now as i64 + 3500, "{next} {now}");
    site.directory.script(|script| script.refuse = None);
    gateway.signal(Signal::HUP).unwrap();
    site.wait_certificate(&gateway);
}
