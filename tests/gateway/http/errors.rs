//! Error pages of ours: the reason word and the request's name, as HTML for browsers and as text for all others.

use super::site::Site;

const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";

/// No application listens behind `/gone`.
fn site() -> Site {
    Site::with(
        "",
        "[upstream.gone]\nprotocol = \"scgi\"\nendpoints = [\"unix:/nonexistent/app.sock\"]\nwarn_unreachable = false\n\
         [[route]]\npath = \"/gone\"\nproxy = { upstream = \"gone\" }",
    )
}

#[test]
fn the_page_has_the_reason_and_the_id_of_the_log() {
    let site = site();
    let forms = [
        ("*/*", "text/plain; charset=utf-8"),
        (BROWSER, "text/html; charset=utf-8"),
    ];
    for (place, (accept, kind)) in forms.into_iter().enumerate() {
        let mut client = site.client();
        let answer = client
            .request("GET", "/gone", &[("Accept", accept)], b"")
            .unwrap();
        assert_eq!((answer.status, answer.header("content-type")), (502, Some(kind)));
        assert_eq!(answer.header("bridgehead-error"), Some("socket_missing"));
        assert_eq!(answer.header("vary"), Some("Accept"));
        let length = answer.text().len().to_string();
        assert_eq!(answer.header("content-length"), Some(&*length));
        let line = &site.log(2 * place + 1)[2 * place];
        for part in ["502 Bad Gateway", "socket_missing", line["id"].as_str().unwrap()] {
            assert!(answer.text().contains(part), "{}", answer.text());
        }
        assert_eq!(answer.text().contains("<h1>"), kind.starts_with("text/html"));

        let head = client
            .request("HEAD", "/gone", &[("Accept", accept)], b"")
            .unwrap();
        assert_eq!(head.header("content-length"), Some(&*length));
        assert_eq!(head.header("content-type"), Some(kind));
        assert!(head.body.is_empty());
        site.log(2 * place + 2);
    }
    assert!(!site.gateway.errors().contains("cannot be reached yet"));
}

#[test]
fn nothing_that_the_client_sent_stands_in_a_page() {
    let site = site();
    let request = |target: &str, host: &str| {
        format!(
            "GET {target} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: <b>injected\r\nX-Injected: <b>injected\r\n\
             Accept: text/html, injected/<b>\r\nConnection: close\r\n\r\n"
        )
    };
    for (target, host, status) in [
        ("/gone?injected='&x", "a.example", 502),
        ("/gone", "injected", 502),
        ("/%00%3Cb%3Einjected", "a.example", 400),
        ("/first", "<b>injected", 400),
        ("/../injected", "a.example", 404),
    ] {
        let answer = site.only(request(target, host));
        assert_eq!(answer.status, status, "{answer:?}");
        assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
        for part in ["<b>", "injected"] {
            assert!(!answer.text().contains(part), "{}", answer.text());
        }
    }
}

#[test]
fn a_file_refuses_a_method_as_everything_else_does() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("a.txt"), "a").unwrap();
    let root = directory.path().display();
    let site = Site::with(
        "",
        &format!("[[route]]\npath = \"/files\"\nfiles = {{ alias = \"{root}\" }}"),
    );
    let answer = site.request("POST", "/files/a.txt", &[], b"x");
    assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD")));
    assert!(
        answer.text().contains("Reason: method_not_allowed\n"),
        "{}",
        answer.text()
    );
}
