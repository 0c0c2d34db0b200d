//! What outlives the process of an order, and what is the same for all of an account.

use serde::{Deserialize, Serialize};

use crate::acme::answer::Answer;
use crate::acme::config::{ChallengeKind, KeyKind};

/// What is kept of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::acme) struct Record {
    /// What the certificate is to be for.
    pub(in crate::acme) name: String,
    pub(in crate::acme) key_kind: KeyKind,
    /// The URL of the directory.
    pub(in crate::acme) directory: String,
    pub(in crate::acme) challenge: ChallengeKind,
    pub(in crate::acme) profile: Option<String>,
    /// The certificate that it is to take the place of (RFC 9773, section 5).
    pub(in crate::acme) replaces: Option<String>,
    /// The key of the certificate, as PEM. A secret.
    pub(in crate::acme) key: String,
    /// The order, once the directory has told where it is.
    pub(in crate::acme) url: Option<String>,
    /// What can be found of it now, or could when it was left.
    pub(in crate::acme) answers: Vec<Answer>,
    /// How often it was left and gone on with because the directory did not answer.
    pub(in crate::acme) resumed: u32,
}

/// What is known to be the same for all orders of an account.
#[derive(Clone, Debug)]
pub(in crate::acme) struct Terms {
    /// Of the key of the account.
    pub(in crate::acme) thumbprint: String,
    /// Where orders are made.
    pub(in crate::acme) new_order: String,
    /// Where those of the account are listed, if they are.
    pub(in crate::acme) orders: Option<String>,
    /// The request for the certificate (PKCS #10), base64url.
    pub(in crate::acme) csr: String,
    /// The common name of an issuer in the chain that is wanted.
    pub(in crate::acme) preferred_chain: Option<String>,
}
