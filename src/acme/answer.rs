//! What directories are told when they look whether a name is ours.

use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use super::base64;
use super::config::ChallengeKind;

/// The answer to one challenge, and where it is looked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Answer {
    /// How it is looked for.
    pub(super) kind: ChallengeKind,
    /// The name that is to be shown to be ours, without `*.`.
    pub(super) name: String,
    /// What the directory calls it.
    pub(super) token: String,
    /// What it is to find (RFC 8555, section 8.1).
    pub(super) authorization: String,
}

impl Answer {
    /// What it is to find in the DNS, at `_acme-challenge` below the name (RFC 8555, section 8.4).
    pub(super) fn record(&self) -> String {
        base64::encode(self.digest())
    }

    /// What is to be in the certificate that it is shown (RFC 8737, section 3).
    pub(super) fn digest(&self) -> impl AsRef<[u8]> {
        digest(&SHA256, self.authorization.as_bytes())
    }
}

/// Whether a token is one: it becomes the name of a file (RFC 8555, section 8.1: base64url).
pub(super) fn is_token(token: &[u8]) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=LONGEST).contains(&token.len()) && token.iter().all(plain)
}

/// Letters of a token, at most: those of Let's Encrypt have 43.
const LONGEST: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_no_path() {
        assert!(is_token(b"LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0"));
        for token in ["", ".", "..", "a/b", "a%2Fb", "a\0", "é"] {
            assert!(!is_token(token.as_bytes()), "{token}");
        }
        assert!(!is_token(&[b'a'; 129]));
    }
}
