//! Sessions that stay where they are.

use std::time::{Duration, Instant};

use testbed::{Gateway, Response};

use super::{Farm, get};

const STICKY: &str = "sticky = { secret = \"correct horse battery staple\" }";

/// The cookie that an answer sets, as a client sends it back.
fn cookie(response: &Response) -> Option<String> {
    let field = response.header("set-cookie")?;
    let (pair, attributes) = field.split_once(';').unwrap();
    assert_eq!(attributes, " Path=/; HttpOnly; SameSite=Lax");
    assert!(
        pair.starts_with("bh_route=") && pair.len() == "bh_route=".len() + 32,
        "{pair}"
    );
    Some(pair.to_owned())
}

/// Who answers a session, and its new cookie if it gets one.
fn answer(gateway: &Gateway, session: &str) -> (String, Option<String>) {
    let response = get(gateway, "/", &[("cookie", session)]);
    (response.text(), cookie(&response))
}

/// A new session.
fn begin(gateway: &Gateway) -> (String, String) {
    let response = get(gateway, "/", &[]);
    let session = cookie(&response).expect("a cookie for a new session");
    (response.text(), session)
}

#[test]
fn a_session_stays_where_it_began() {
    let farm = Farm::new(&["a", "b"]);
    let gateway = farm.gateway(&["", ""], STICKY);
    let (first, second) = (begin(&gateway), begin(&gateway));
    assert_ne!(first.0, second.0);
    assert_ne!(first.1, second.1);
    for _ in 0..3 {
        for (name, session) in [&first, &second] {
            assert_eq!(answer(&gateway, session), (name.clone(), None));
        }
    }
    let (signed, last) = first.1.split_at(first.1.len() - 1);
    let spoiled = format!("{signed}{}", if last == "0" { "1" } else { "0" });
    assert!(
        answer(&gateway, &spoiled).1.is_some(),
        "a cookie that nobody signed"
    );
}

#[test]
fn a_session_moves_when_its_endpoint_is_down_and_finds_it_again_with_the_old_cookie() {
    let farm = Farm::new(&["a", "b"]);
    let gateway = farm.gateway(&["fail_timeout=50ms", "fail_timeout=50ms"], STICKY);
    let sessions = [begin(&gateway), begin(&gateway)];
    let of = |name: &str| &sessions.iter().find(|(own, _)| own == name).unwrap().1;
    let (at_a, at_b) = (of("a"), of("b"));
    farm.stop("a");
    assert_eq!(answer(&gateway, at_a), ("b".to_owned(), Some(at_b.clone())));
    assert_eq!(answer(&gateway, at_b), ("b".to_owned(), None), "it has moved");
    farm.begin("a");
    let deadline = Instant::now() + Duration::from_secs(10);
    while answer(&gateway, at_a) != ("a".to_owned(), None) {
        assert!(Instant::now() < deadline, "a is not found again");
    }
    assert_eq!(
        answer(&gateway, at_b),
        ("b".to_owned(), None),
        "it does not move back"
    );
}

#[test]
fn a_draining_endpoint_keeps_its_sessions_and_gets_no_others() {
    let farm = Farm::new(&["a", "b"]);
    let before = farm.gateway(&["", ""], STICKY);
    let sessions = [begin(&before), begin(&before)];
    let after = farm.gateway(&["drain", ""], &format!("{STICKY}\nhold = \"0s\""));
    for (name, session) in &sessions {
        assert_eq!(
            answer(&after, session),
            (name.clone(), None),
            "also after a restart"
        );
    }
    for _ in 0..3 {
        assert_eq!(begin(&after).0, "b");
    }
    farm.stop("b");
    let client = testbed::Client::connect(after.addr())
        .unwrap()
        .request("GET", "/", &[], b"");
    assert_eq!(client.unwrap().status, 502, "draining is no backup");
}

#[test]
fn another_secret_has_other_cookies() {
    let farm = Farm::new(&["a", "b"]);
    let gateway = farm.gateway(&["", ""], STICKY);
    let other = farm.gateway(&["", ""], &STICKY.replace("horse", "donkey"));
    let (_, session) = begin(&gateway);
    assert!(answer(&other, &session).1.is_some());
}

#[test]
fn a_cookie_of_tls_is_for_tls() {
    let farm = Farm::new(&["a"]);
    let gateway = farm.gateway(
        &[""],
        &format!("{STICKY}\n[server]\ntrusted_proxies = [\"127.0.0.1\"]\ntemp_dir = \"{{dir}}\""),
    );
    let response = get(&gateway, "/", &[("x-forwarded-proto", "https")]);
    let field = response.header("set-cookie").unwrap();
    assert!(
        field.ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax"),
        "{field}"
    );
}
