use serde_json::json;

use super::super::config::{ChallengeKind, KeyKind};
use super::*;

const ORDER: &str = "https://ca.example/order/1";

fn record() -> Record {
    Record {
        name: "a.example".to_owned(),
        key_kind: KeyKind::EcdsaP256,
        directory: "https://ca.example/dir".to_owned(),
        challenge: ChallengeKind::Http01,
        profile: None,
        replaces: None,
        key: "key".to_owned(),
        url: None,
        answers: Vec::new(),
        resumed: 0,
    }
}

fn terms() -> Terms {
    Terms {
        thumbprint: "print".to_owned(),
        new_order: "https://ca.example/new-order".to_owned(),
        orders: Some("https://ca.example/orders".to_owned()),
        csr: "csr".to_owned(),
        preferred_chain: None,
    }
}

/// A directory that knows one account and no signatures.
#[derive(Default)]
struct Ca {
    /// What was asked of it, in order: the path, and with what.
    asked: Vec<String>,
    /// How many orders it has made.
    made: usize,
    order: &'static str,
    authorization: &'static str,
    /// It refuses orders that replace something.
    replaced: bool,
    /// Looks until it is done.
    patience: usize,
    /// It offers only this.
    offers: Option<&'static str>,
    /// It does not find the answer.
    blind: bool,
}

impl Ca {
    fn new() -> Self {
        Self {
            order: "none",
            authorization: "pending",
            ..Self::default()
        }
    }

    fn answer(&mut self, url: &str, payload: Option<&Value>) -> Reply {
        let path = url.strip_prefix("https://ca.example/").unwrap();
        let what = payload.map(Value::to_string).unwrap_or_default();
        self.asked.push(format!("{path} {what}").trim_end().to_owned());
        match (path, payload) {
            ("orders", None) => {
                let listed: &[&str] = if self.order == "none" { &[] } else { &[ORDER] };
                ok(json!({ "orders": listed }))
            }
            ("new-order", Some(wish)) if self.replaced && wish.get("replaces").is_some() => {
                problem(409, "alreadyReplaced")
            }
            ("new-order", Some(_)) => {
                self.made += 1;
                self.order = "pending";
                let mut reply = self.shown();
                reply.status = 201;
                reply.location = Some(ORDER.to_owned());
                reply
            }
            ("order/1", None) => {
                if self.order == "pending" && self.authorization == "valid" {
                    self.order = "ready";
                } else if self.order == "processing" && self.is_done() {
                    self.order = "valid";
                }
                self.shown()
            }
            ("authz/1", None) => {
                if self.authorization == "processing" && self.is_done() {
                    self.authorization = if self.blind { "invalid" } else { "valid" };
                }
                self.authorized()
            }
            ("authz/1", Some(_)) => {
                self.authorization = "deactivated";
                self.authorized()
            }
            ("challenge/1", Some(_)) => {
                self.authorization = "processing";
                ok(json!({ "type": "http-01", "url": "https://ca.example/challenge/1", "status": "pending" }))
            }
            ("finalize/1", Some(_)) if self.order == "ready" => {
                self.order = "processing";
                self.shown()
            }
            ("finalize/1", Some(_)) => problem(403, "orderNotReady"),
            ("cert/1", None) => text("chain"),
            _ => problem(404, "malformed"),
        }
    }

    fn is_done(&mut self) -> bool {
        let left = self.patience;
        self.patience = left.saturating_sub(1);
        left == 0
    }

    fn shown(&self) -> Reply {
        ok(json!({
            "status": self.order, "identifiers": [{ "type": "dns", "value": "a.example" }],
            "authorizations": ["https://ca.example/authz/1"], "finalize": "https://ca.example/finalize/1",
            "certificate": "https://ca.example/cert/1",
        }))
    }

    fn authorized(&self) -> Reply {
        // As Boulder has it: pending while it looks.
        let status = if self.authorization == "processing" {
            "pending"
        } else {
            self.authorization
        };
        let error = (status == "invalid")
            .then(|| json!({ "type": "urn:ietf:params:acme:error:dns", "detail": "none" }));
        let status_of_challenge = if status == "valid" { "valid" } else { "pending" };
        ok(json!({
            "status": status, "identifier": { "type": "dns", "value": "a.example" },
            "challenges": [
                { "type": "dns-persist-01", "status": "pending" },
                { "type": self.offers.unwrap_or("http-01"), "url": "https://ca.example/challenge/1", "token": "tok",
                  "status": status_of_challenge, "error": error },
            ],
        }))
    }
}

fn text(body: &str) -> Reply {
    Reply {
        status: 200,
        body: body.to_owned().into(),
        ..Reply::default()
    }
}

fn ok(body: Value) -> Reply {
    text(&body.to_string())
}

fn problem(status: u16, word: &str) -> Reply {
    let body = json!({ "type": format!("urn:ietf:params:acme:error:{word}"), "detail": "no" });
    Reply { status, ..ok(body) }
}

/// How an order ended, and how long it would have waited.
#[derive(Debug)]
enum End {
    Issued(String),
    Failed(String),
    /// It was left there.
    Left,
}

/// Drives an order for so many steps, as the record that is kept has it after each.
fn drive(ca: &mut Ca, order: &mut Order, kept: &mut Record, steps: usize) -> (End, Duration) {
    let mut waited = Duration::ZERO;
    for _ in 0..steps {
        *kept = order.record.clone();
        match order.next() {
            Step::Send { url, payload } => {
                let url = url.to_owned();
                let reply = ca.answer(&url, payload.as_ref());
                order.replied(&reply);
            }
            Step::Publish(answer) => {
                assert_eq!(answer.authorization, "tok.print");
                ca.asked.push("publish".to_owned());
                order.published();
            }
            Step::Wait(time) => {
                waited += time;
                order.waited();
            }
            Step::Issued(chain) => return (End::Issued(chain.to_owned()), waited),
            Step::Failed(failure) => return (End::Failed(failure.to_string()), waited),
        }
    }
    (End::Left, waited)
}

const MANY: usize = 500;

#[test]
fn an_order_goes_its_way() {
    let mut ca = Ca::new();
    let mut order = Order::new(record(), terms(), false);
    let (end, _) = drive(&mut ca, &mut order, &mut record(), MANY);
    assert!(matches!(&end, End::Issued(chain) if chain == "chain"), "{end:?}");
    let expected = [
        r#"new-order {"identifiers":[{"type":"dns","value":"a.example"}]}"#,
        "authz/1",
        "publish",
        "challenge/1 {}",
        "authz/1",
        "order/1",
        r#"finalize/1 {"csr":"csr"}"#,
        "order/1",
        "cert/1",
    ];
    assert_eq!(ca.asked, expected);
}

#[test]
fn an_order_that_is_left_at_any_step_is_gone_on_with() {
    for patience in [0, 3] {
        for steps in 0.. {
            let mut ca = Ca::new();
            ca.patience = patience;
            let mut kept = record();
            let mut order = Order::new(record(), terms(), false);
            let (end, _) = drive(&mut ca, &mut order, &mut kept, steps);
            if matches!(end, End::Issued(_)) {
                assert!(steps > 9);
                break;
            }
            let mut order = Order::new(kept.clone(), terms(), true);
            let (end, _) = drive(&mut ca, &mut order, &mut kept, MANY);
            assert!(
                matches!(end, End::Issued(_)),
                "left after {steps} steps: {end:?} {:?}",
                ca.asked
            );
            assert_eq!(ca.made, 1, "left after {steps} steps: {:?}", ca.asked);
        }
    }
}

#[test]
fn an_answer_is_said_to_be_there_once_however_long_the_directory_looks() {
    let mut ca = Ca::new();
    ca.patience = 20;
    let mut order = Order::new(record(), terms(), false);
    let (end, waited) = drive(&mut ca, &mut order, &mut record(), MANY);
    assert!(matches!(end, End::Issued(_)), "{end:?}");
    assert_eq!(
        ca.asked
            .iter()
            .filter(|asked| asked.starts_with("challenge"))
            .count(),
        1
    );
    assert!(waited > Duration::from_secs(60), "{waited:?}");
}

#[test]
fn a_directory_that_never_finishes_is_given_up_and_nothing_is_left_there() {
    let mut ca = Ca::new();
    ca.patience = usize::MAX;
    let mut order = Order::new(record(), terms(), false);
    let (end, waited) = drive(&mut ca, &mut order, &mut record(), MANY);
    assert!(
        matches!(&end, End::Failed(why) if why.contains("in time")),
        "{end:?}"
    );
    assert_eq!(ca.authorization, "deactivated");
    assert!(waited < Duration::from_secs(600), "{waited:?}");
}

#[test]
fn what_the_directory_found_instead_is_told() {
    let mut ca = Ca::new();
    ca.blind = true;
    let mut order = Order::new(record(), terms(), false);
    let (end, _) = drive(&mut ca, &mut order, &mut record(), MANY);
    let End::Failed(why) = end else { panic!("{end:?}") };
    assert_eq!(
        why,
        "the directory did not find the answer to http-01 for `a.example`: dns: none"
    );
}

#[test]
fn a_challenge_that_is_not_offered_leaves_no_authorization_behind() {
    let mut ca = Ca::new();
    ca.offers = Some("dns-01");
    let mut order = Order::new(record(), terms(), false);
    let (end, _) = drive(&mut ca, &mut order, &mut record(), MANY);
    let End::Failed(why) = end else { panic!("{end:?}") };
    assert_eq!(
        why,
        "the directory offers no http-01 for `a.example`, but dns-persist-01, dns-01"
    );
    assert_eq!(ca.authorization, "deactivated");
}

#[test]
fn a_name_that_is_known_to_be_ours_needs_no_challenge() {
    let mut ca = Ca::new();
    ca.authorization = "valid";
    let mut order = Order::new(record(), terms(), false);
    let (end, _) = drive(&mut ca, &mut order, &mut record(), MANY);
    assert!(matches!(end, End::Issued(_)), "{end:?}");
    assert!(!ca.asked.iter().any(|asked| asked.starts_with("challenge")));
}

#[test]
fn a_certificate_that_was_replaced_already_is_wanted_all_the_same() {
    let mut ca = Ca::new();
    ca.replaced = true;
    let replacing = Record {
        replaces: Some("aki.serial".to_owned()),
        profile: Some("shortlived".to_owned()),
        ..record()
    };
    let mut order = Order::new(replacing, terms(), false);
    let (end, _) = drive(&mut ca, &mut order, &mut record(), MANY);
    assert!(matches!(end, End::Issued(_)), "{end:?}");
    assert!(
        ca.asked[0].contains(r#""replaces":"aki.serial""#),
        "{:?}",
        ca.asked
    );
    assert!(
        !ca.asked[1].contains("replaces") && ca.asked[1].contains("shortlived"),
        "{:?}",
        ca.asked
    );
    assert_eq!(order.record.replaces, None);
}

#[test]
fn a_directory_that_is_not_able_is_asked_again_and_one_that_says_no_is_not() {
    let mut order = Order::new(record(), terms(), false);
    let mut waited = 0;
    for _ in 0..TRIES {
        assert!(matches!(order.next(), Step::Send { .. }));
        order.replied(&problem(503, "serverInternal"));
        assert!(matches!(order.next(), Step::Wait(_)));
        order.waited();
        waited += 1;
    }
    order.replied(&problem(503, "serverInternal"));
    assert!(matches!(order.next(), Step::Failed(_)));
    assert_eq!(waited, 3);
    let mut order = Order::new(record(), terms(), false);
    let limited = Reply {
        retry_after: Some(Duration::from_secs(3600)),
        ..problem(429, "rateLimited")
    };
    order.replied(&limited);
    let Step::Failed(failure) = order.next() else {
        panic!()
    };
    assert_eq!(failure.retry_after, Some(Duration::from_secs(3600)));
    assert_eq!(failure.kind().as_str(), "rate_limited");
}

#[test]
fn nonsense_fails_and_never_panics() {
    for body in [
        "",
        "{}",
        "[]",
        r#"{"status":"pending","authorizations":[],"finalize":""}"#,
        "\u{fffd}",
    ] {
        let mut order = Order::new(record(), terms(), false);
        let mut reply = text(body);
        reply.location = Some(ORDER.to_owned());
        order.replied(&reply);
        assert!(matches!(order.next(), Step::Failed(_)), "{body}");
    }
}
