//! Signed requests (RFC 7515, flattened JSON; RFC 8555, section 6.2): ES256 by the key of an account, HS256 by the key of
//! an external account.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac::{HMAC_SHA256, Key as MacKey, sign as mac};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};

use super::base64;

/// The system has no random numbers, or what is to be a key is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("what is to be the key of an account is none, or the system has no random numbers")]
pub(super) struct KeyError;

/// The key of an account: P-256.
pub(super) struct AccountKey {
    pair: EcdsaKeyPair,
    pkcs8: Vec<u8>,
}

/// A secret.
impl fmt::Debug for AccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountKey").finish_non_exhaustive()
    }
}

impl AccountKey {
    pub(super) fn generate() -> Result<Self, KeyError> {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random);
        Self::from_pkcs8(pkcs8.map_err(|_| KeyError)?.as_ref())
    }

    fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, KeyError> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8);
        Ok(Self {
            pair: pair.map_err(|_| KeyError)?,
            pkcs8: pkcs8.to_vec(),
        })
    }

    /// As it is kept. A secret.
    pub(super) fn to_text(&self) -> String {
        base64::encode(&self.pkcs8)
    }

    pub(super) fn from_text(text: &str) -> Result<Self, KeyError> {
        Self::from_pkcs8(&base64::decode(text).ok_or(KeyError)?)
    }

    /// The public key (RFC 7517).
    pub(super) fn jwk(&self) -> Value {
        let (x, y) = self.point();
        json!({ "crv": "P-256", "kty": "EC", "x": base64::encode(x), "y": base64::encode(y) })
    }

    /// The two halves of the point, behind the byte that says that there are two.
    fn point(&self) -> (&[u8], &[u8]) {
        let point = self.pair.public_key().as_ref();
        point.get(1..).unwrap_or_default().split_at(point.len() / 2)
    }

    /// What the public key is known by (RFC 7638): its members in the order of the alphabet, without blanks.
    pub(super) fn thumbprint(&self) -> String {
        let (x, y) = self.point();
        let (x, y) = (base64::encode(x), base64::encode(y));
        let text = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        base64::encode(digest(&SHA256, text.as_bytes()))
    }

    /// A signed body for `url`. `account`: its URL; without one the key stands there itself. No payload: POST-as-GET
    /// (RFC 8555, section 6.3).
    pub(super) fn sign(
        &self,
        url: &str,
        nonce: &str,
        account: Option<&str>,
        payload: Option<&Value>,
    ) -> Result<Vec<u8>, KeyError> {
        let mut head = json!({ "alg": "ES256", "nonce": nonce, "url": url });
        match account {
            Some(account) => head["kid"] = account.into(),
            None => head["jwk"] = self.jwk(),
        }
        let payload = payload.map(Value::to_string).unwrap_or_default();
        let flattened = flattened(&head, &payload, |message| {
            let signature = self.pair.sign(&SystemRandom::new(), message);
            Ok(base64::encode(signature.map_err(|_| KeyError)?))
        })?;
        Ok(flattened.to_string().into_bytes())
    }

    /// What binds the account to a customer's (RFC 8555, section 7.3.4).
    pub(super) fn bind(&self, id: &str, key: &[u8], url: &str) -> Result<Value, KeyError> {
        let head = json!({ "alg": "HS256", "kid": id, "url": url });
        let key = MacKey::new(HMAC_SHA256, key);
        flattened(&head, &self.jwk().to_string(), |message| {
            Ok(base64::encode(mac(&key, message)))
        })
    }
}

fn flattened(
    head: &Value,
    payload: &str,
    sign: impl FnOnce(&[u8]) -> Result<String, KeyError>,
) -> Result<Value, KeyError> {
    let (head, payload) = (base64::encode(head.to_string()), base64::encode(payload));
    let signature = sign(format!("{head}.{payload}").as_bytes())?;
    Ok(json!({ "protected": head, "payload": payload, "signature": signature }))
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};

    use super::*;

    fn part(value: &Value, name: &str) -> Vec<u8> {
        base64::decode(value[name].as_str().unwrap()).unwrap()
    }

    #[test]
    fn what_is_signed_is_verified_by_the_key_in_its_head() {
        let key = AccountKey::generate().unwrap();
        let payload = json!({ "a": 1 });
        let body = key
            .sign("https://ca.example/new", "n1", None, Some(&payload))
            .unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        let head: Value = serde_json::from_slice(&part(&body, "protected")).unwrap();
        assert_eq!(head["nonce"], "n1");
        assert_eq!(head["url"], "https://ca.example/new");
        assert_eq!(part(&body, "payload"), br#"{"a":1}"#);
        let point = [vec![4], part(&head["jwk"], "x"), part(&head["jwk"], "y")].concat();
        let message = format!(
            "{}.{}",
            body["protected"].as_str().unwrap(),
            body["payload"].as_str().unwrap()
        );
        let verifier = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
        verifier
            .verify(message.as_bytes(), &part(&body, "signature"))
            .unwrap();
    }

    #[test]
    fn a_key_comes_back_from_its_text() {
        let key = AccountKey::generate().unwrap();
        let again = AccountKey::from_text(&key.to_text()).unwrap();
        assert_eq!(key.thumbprint(), again.thumbprint());
        assert_eq!(AccountKey::from_text("AAAA").unwrap_err(), KeyError);
    }

    #[test]
    fn an_account_is_named_in_place_of_its_key() {
        let key = AccountKey::generate().unwrap();
        let body = key
            .sign("u", "n", Some("https://ca.example/acct/1"), None)
            .unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        let head: Value = serde_json::from_slice(&part(&body, "protected")).unwrap();
        assert_eq!(head["kid"], "https://ca.example/acct/1");
        assert_eq!(head.get("jwk"), None);
        assert_eq!(body["payload"], "");
    }
}
