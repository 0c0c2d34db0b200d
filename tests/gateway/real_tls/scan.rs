//! sslscan, which tries what clients should not get.

use std::collections::BTreeSet;
use std::process::Command;

use super::{Site, text};

impl Site {
    /// What it finds, a line for each thing, as XML.
    fn scan(&self) -> String {
        let output = Command::new("sslscan")
            .args(["--no-colour", "--xml=-", "--show-certificate"])
            .args(["--sni-name=shop.example", &self.gateway.addr().to_string()])
            .output()
            .expect("sslscan is installed: cargo xtask test installs it");
        text(&output)
    }
}

/// An attribute of a line.
fn attribute<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(&format!(" {name}=\""))?;
    rest.split('"').next()
}

#[test]
fn sslscan_finds_nothing_that_is_weak() {
    let found = Site::start().scan();
    let lines = |element: &str| {
        let begin = format!("<{element} ");
        let lines: Vec<_> = found
            .lines()
            .filter(|line| line.trim().starts_with(&begin))
            .collect();
        assert!(!lines.is_empty(), "{element}: {found}");
        lines
    };
    let all = |element: &str, name: &str| -> BTreeSet<_> {
        lines(element)
            .into_iter()
            .filter_map(|line| attribute(line, name))
            .collect()
    };
    let enabled = lines("protocol").into_iter();
    let enabled = enabled.filter(|line| attribute(line, "enabled") == Some("1"));
    let enabled: Vec<_> = enabled.filter_map(|line| attribute(line, "version")).collect();
    assert_eq!(enabled, ["1.2", "1.3"], "{found}");
    // Of TLS 1.3 it calls no cipher more than acceptable.
    assert_eq!(
        all("cipher", "strength"),
        ["acceptable", "strong"].into(),
        "{found}"
    );
    let weak = lines("cipher").into_iter();
    let weak = weak.filter(|line| attribute(line, "sslversion") == Some("TLSv1.2"));
    assert_eq!(
        weak.filter(|line| !line.contains("\"ECDHE-")).count(),
        0,
        "{found}"
    );
    assert_eq!(all("heartbleed", "vulnerable"), ["0"].into(), "{found}");
    assert_eq!(all("renegotiation", "supported"), ["0"].into(), "{found}");
    assert!(!found.contains("<compression supported=\"1\""), "{found}");
}
