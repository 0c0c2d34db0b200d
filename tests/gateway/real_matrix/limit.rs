//! Requests that are too large for a backend are refused before it sees them.

use testbed::Kind;

use super::site::Site;

pub(super) fn variables_beyond_the_backends_limit_are_refused(site: &Site) {
    let many: Vec<_> = (0..MANY).map(|i| format!("X-Field-{i}")).collect();
    let many: Vec<_> = many.iter().map(|name| (name.as_str(), "1")).collect();
    let large = "x".repeat(20_000);
    let large = [("X-Large", large.as_str())];
    match site.kind {
        // Theirs are larger than ours, which `server.head_size` and `server.head_fields` set.
        Kind::PhpFpm | Kind::PhpCgi | Kind::Fcgiwrap | Kind::GunicornUwsgi => {
            assert_eq!(site.variables(&large)["HTTP_X_LARGE"].len(), large[0].1.len());
            assert_eq!(site.variables(&many)["HTTP_X_FIELD_0"], "1");
            return;
        }
        // It has to say so itself: 8,190 bytes in a field, 100 fields.
        Kind::GunicornHttp => return assert_eq!(site.ask("GET", "/env", &large, b"").status, 431),
        // It closes.
        Kind::UwsgiHttp => return assert_eq!(site.ask("GET", "/env", &large, b"").status, 502),
        Kind::UwsgiUwsgi | Kind::UwsgiScgi | Kind::UwsgiFastcgi => {}
    }
    for (mark, fields) in [("large", &large[..]), ("many", &many)] {
        let target = format!("/env?too-{mark}");
        let refused = site.ask("GET", &target, fields, b"");
        let reason = refused.header("bridgehead-error");
        assert_eq!(
            (refused.status, reason),
            (431, Some("variables_too_large")),
            "{mark}"
        );
        assert!(refused.text().contains("limit"), "{}", refused.text());
        let line = site.logged(&target);
        assert!(line["attempts"].as_u64().unwrap_or(0) == 0, "{line}");
    }
    // Just below.
    let fits = "x".repeat(3_000);
    assert_eq!(site.variables(&[("X-Fits", &fits)])["HTTP_X_FITS"], fits);
}

/// With ours, more than uWSGI's 128; the gateways of these tests let 200 fields in.
const MANY: usize = 120;
