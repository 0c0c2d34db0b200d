//! What directories say (RFC 8555, section 7.1; RFC 9773, section 4.2; draft-ietf-acme-profiles). What is not needed is not
//! read: a directory may add to all of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Where everything is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Directory {
    pub(super) new_nonce: String,
    pub(super) new_account: String,
    pub(super) new_order: String,
    /// It says when certificates are to be renewed.
    pub(super) renewal_info: Option<String>,
    #[serde(default)]
    pub(super) meta: Meta,
}

/// What else is known of it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Meta {
    pub(super) profiles: BTreeMap<String, serde_json::Value>,
    pub(super) external_account_required: bool,
}

/// An account.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Account {
    /// Where its orders are listed, if they are.
    pub(super) orders: Option<String>,
}

/// The orders of an account.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Orders {
    #[serde(default)]
    pub(super) orders: Vec<String>,
}

/// An order.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Order {
    pub(super) status: Status,
    #[serde(default)]
    pub(super) identifiers: Vec<Identifier>,
    #[serde(default)]
    pub(super) authorizations: Vec<String>,
    pub(super) finalize: String,
    pub(super) certificate: Option<String>,
    pub(super) error: Option<Problem>,
}

/// How far something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    Pending,
    Ready,
    Processing,
    Valid,
    Invalid,
    /// Deactivated, expired, revoked, and what is not known yet.
    #[serde(other)]
    Other,
}

/// What a certificate is to be for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identifier {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) value: String,
}

/// Whether control of a name was shown, and how it may be.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Authorization {
    pub(super) status: Status,
    pub(super) identifier: Identifier,
    #[serde(default)]
    pub(super) challenges: Vec<Challenge>,
}

/// A way to show it. Those that are not known may have no token.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Challenge {
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) url: String,
    #[serde(default)]
    pub(super) token: String,
    pub(super) status: Status,
    pub(super) error: Option<Problem>,
}

/// Why something is refused (RFC 7807).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Problem {
    /// `urn:ietf:params:acme:error:rateLimited`
    #[serde(rename = "type")]
    pub(super) kind: String,
    /// In words.
    pub(super) detail: String,
    /// What it consists of.
    pub(super) subproblems: Vec<Problem>,
}

/// When a certificate is to be renewed.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RenewalInfo {
    pub(super) suggested_window: SuggestedWindow,
    #[serde(rename = "explanationURL")]
    pub(super) explanation: Option<String>,
}

/// From when, and until when (RFC 3339).
#[derive(Clone, Debug, Deserialize)]
pub(super) struct SuggestedWindow {
    pub(super) start: String,
    pub(super) end: String,
}

impl Identifier {
    /// For a host, a wildcard or an address (RFC 8738).
    pub(super) fn of(name: &str) -> Self {
        let kind = match name.parse::<std::net::IpAddr>() {
            Ok(_) => "ip",
            Err(_) => "dns",
        };
        Self {
            kind: kind.to_owned(),
            value: name.to_owned(),
        }
    }
}

impl Problem {
    /// Its word: `rateLimited`.
    pub(super) fn word(&self) -> &str {
        self.kind
            .strip_prefix("urn:ietf:params:acme:error:")
            .unwrap_or(&self.kind)
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.detail.is_empty() {
            true => f.write_str(self.word())?,
            false => write!(f, "{}: {}", self.word(), self.detail)?,
        }
        for problem in &self.subproblems {
            write!(f, "; {problem}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_does_not_matter() {
        let text = r#"{"status":"pending","identifier":{"type":"dns","value":"a.example"},"new":1,
            "challenges":[{"type":"dns-persist-01","status":"waiting","issuer-domain-names":[]}]}"#;
        let authorization: Authorization = serde_json::from_str(text).unwrap();
        assert_eq!(authorization.status, Status::Pending);
        assert_eq!(authorization.challenges[0].status, Status::Other);
        assert_eq!(authorization.challenges[0].token, "");
    }

    #[test]
    fn a_problem_says_all_that_it_consists_of() {
        let text = r#"{"type":"urn:ietf:params:acme:error:compound","detail":"both","status":403,
            "subproblems":[{"type":"urn:ietf:params:acme:error:caa","detail":"not us"}]}"#;
        let problem: Problem = serde_json::from_str(text).unwrap();
        assert_eq!(problem.to_string(), "compound: both; caa: not us");
    }

    #[test]
    fn an_address_is_not_a_name_of_the_dns() {
        assert_eq!(Identifier::of("192.0.2.1").kind, "ip");
        assert_eq!(Identifier::of("2001:db8::1").kind, "ip");
        assert_eq!(Identifier::of("*.a.example").kind, "dns");
    }
}
