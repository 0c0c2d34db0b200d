//! Digests of credentials, which are good for nothing outside this process.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// A digest of credentials.
pub type Digest = [u8; 32];

/// Makes digests with a key that no other has.
#[derive(Clone)]
pub struct Digester(Hmac<Sha256>);

impl Digester {
    /// With a key that is made now.
    #[expect(clippy::expect_used, reason = "as its texts say")]
    pub fn with_own_key() -> Self {
        let mut key = [0; 32];
        getrandom::fill(&mut key).expect("the system has random numbers");
        Self(Hmac::new_from_slice(&key).expect("HMAC takes keys of every length"))
    }

    /// The digest of these credentials.
    pub fn digest(&self, credentials: &[u8]) -> Digest {
        let mut mac = self.0.clone();
        mac.update(credentials);
        mac.finalize().into_bytes().into()
    }
}
