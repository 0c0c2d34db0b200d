//! What testssl.sh has found.

use std::fmt;

use anyhow::{Context, Result};
use serde_json::Value;

/// One thing that it says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Finding {
    id: String,
    severity: String,
    text: String,
}

impl Finding {
    /// Reads its JSON.
    ///
    /// # Errors
    ///
    /// When it is something else.
    pub(super) fn parse(json: &str) -> Result<Vec<Self>> {
        let list: Vec<Value> = serde_json::from_str(json).context("the findings are no list")?;
        let findings = list.iter().map(|value| {
            let word = |name| value.get(name).and_then(Value::as_str).map(str::to_owned);
            Some(Self {
                id: word("id")?,
                severity: word("severity")?,
                text: word("finding")?,
            })
        });
        findings
            .collect::<Option<_>>()
            .context("a finding without a word")
    }

    /// Whether it weighs medium or more, and is about Bridgehead.
    pub(super) fn is_heavy(&self) -> bool {
        !LIGHT.contains(&self.severity.as_str()) && !OF_THE_AUDIT.contains(&self.id.as_str())
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.severity, self.id, self.text)
    }
}

/// The others are MEDIUM, HIGH, CRITICAL, FATAL, and WARN for what it could not look at.
const LIGHT: [&str; 4] = ["OK", "INFO", "LOW", "DEBUG"];

/// Not about Bridgehead: the certificate of the audit is good for long and names no place where it could be revoked, and
/// Debian's OpenSSL knows no Russian ciphers to try.
const OF_THE_AUDIT: [&str; 3] = ["cert_revocation", "cert_validityPeriod", "engine_problem"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_weighs_medium_or_more_is_heavy() {
        let json = r#"[
            {"id": "SSLv2", "ip": "x", "port": "1", "severity": "OK", "finding": "not offered"},
            {"id": "RC4", "ip": "x", "port": "1", "severity": "HIGH", "finding": "offered"}
        ]"#;
        let findings = Finding::parse(json).unwrap();
        assert_eq!(
            findings.iter().map(Finding::is_heavy).collect::<Vec<_>>(),
            [false, true]
        );
        assert_eq!(findings[1].to_string(), "HIGH: RC4: offered");
    }

    #[test]
    fn what_is_no_finding_is_an_error() {
        assert!(Finding::parse("{}").is_err());
        assert!(Finding::parse(r#"[{"id": "RC4"}]"#).is_err());
    }
}
