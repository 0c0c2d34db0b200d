//! Applications that fail.

use testbed::Kind;

use super::deviation::Deviation;
use super::site::Site;

pub(super) fn an_error_page_passes(site: &Site) {
    let answer = site.get("/fail");
    assert_eq!((answer.status, answer.header("bridgehead-error")), (500, None));
}

pub(super) fn a_dead_application_is_a_bad_gateway(site: &Site) {
    let answer = site.get("/fail-raw?dead");
    if site.deviates(Deviation::AnswersForTheDead) {
        assert_eq!((answer.status, answer.header("bridgehead-error")), (500, None));
        return;
    }
    let reason = answer.header("bridgehead-error");
    assert_eq!(answer.status, 502);
    assert!(
        matches!(reason, Some("backend_closed" | "bad_response")),
        "{reason:?}"
    );
    let line = site.logged("/fail-raw?dead");
    assert_eq!(line["reason"].as_str(), reason);
    assert_eq!(line["status"], 502);
    site.gateway.wait_errors(line["id"].as_str().unwrap()).unwrap();
}

/// Never an orderly end: an error page where the failure came together with the head, else a connection that closes
/// short of the announced length. With HTTP/2 the stream is reset.
pub(super) fn a_broken_answer_never_looks_complete(site: &Site) {
    let mut client = site.client();
    let target = format!("{}/fail-late?late", site.mount());
    let answer = client.request("GET", &target, &[], b"").unwrap();
    if answer.status == 502 {
        assert_eq!(answer.header("bridgehead-error"), Some("response_truncated"));
    } else {
        assert_eq!((answer.status, answer.text().as_str()), (200, "partial"));
        assert_eq!(answer.header("content-length"), Some("1000"));
        assert!(!answer.complete && answer.closed);
    }
    let line = site.logged("/fail-late?late");
    assert_eq!(
        (&line["status"], &line["reason"]),
        (&answer.status.into(), &"response_truncated".into())
    );
    site.gateway.wait_errors("response_truncated").unwrap();
    let url = format!("http://{}{target}", site.gateway.addr());
    let output = std::process::Command::new("curl")
        .args([
            "--http2-prior-knowledge",
            "--silent",
            "--fail",
            "--max-time",
            "20",
            &url,
        ])
        .output()
        .unwrap();
    assert!(!output.status.success(), "{output:?}");
}

pub(super) fn what_the_application_logs_is_logged_in_lines(site: &Site) {
    assert_eq!(site.get("/stderr?lines=3&logging").text(), "logged\n");
    if site.deviates(Deviation::OwnLog) {
        testbed::eventually("the server logs it", || {
            site.backend.log().contains("stderr line 2")
        });
        assert!(!site.gateway.errors().contains("stderr line"));
        return;
    }
    let id = site.logged("logging")["id"].as_str().unwrap().to_owned();
    let errors = site.gateway.wait_errors("stderr line 2").unwrap();
    let lines: Vec<_> = errors
        .lines()
        .filter(|line| line.contains("stderr line"))
        .collect();
    assert!(
        lines
            .iter()
            .all(|line| line.contains(&format!("request={id} upstream=app"))),
        "{lines:?}"
    );
    for number in 0..3 {
        let wanted = format!("stderr line {number}");
        let holders: Vec<_> = lines.iter().filter(|line| line.contains(&wanted)).collect();
        assert_eq!(holders.len(), 1, "{wanted}: {lines:?}");
        // PHP-FPM itself joins messages with a semicolon.
        assert!(
            site.kind == Kind::PhpFpm || holders[0].ends_with(&format!("{wanted}\"")),
            "{holders:?}"
        );
    }
}

pub(super) fn an_unread_body_does_no_harm(site: &Site) {
    let body = vec![b'x'; 1024 * 1024];
    let answer = site.ask("POST", "/noread", &[], &body);
    if site.deviates(Deviation::MustRead) {
        assert_eq!(answer.status, 502);
        let answer = site.ask("POST", "/noread", &[], b"five!");
        assert_eq!((answer.status, answer.text().as_str()), (200, "ignored\n"));
        return;
    }
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (200, "ignored\n"),
        "{:?}",
        answer.headers
    );
}
