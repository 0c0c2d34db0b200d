//! Sessions that stay on one endpoint, by a cookie of ours.
//!
//! The cookie is a keyed digest (HMAC-SHA-256) of the names of upstream and endpoint. It does not tell where
//! the endpoint is, cannot be made for another endpoint, and nothing has to be remembered about a session: it means
//! the same after a reload, a restart and in another gateway, as long as the secret is the same. The application gets
//! the cookie like any other.
//!
//! A session goes to its endpoint even while that is draining or ejected. When it is down, or full and the
//! session is not to wait, the session moves and gets a new cookie; it does not come back by itself.

use std::fmt::{self, Write};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::protocol::RequestHead;
use crate::protocol::fields::{FieldName, FieldValue, Fields};
use crate::upstream::model::Token;
use crate::upstream::model::config::{SameSite, Sticky};
use crate::variables;

/// Makes the tokens of an upstream.
#[derive(Clone)]
pub struct Signer(Hmac<Sha256>);

impl Signer {
    /// With the configured secret, or with one that lasts as long as this signer.
    ///
    /// # Panics
    ///
    /// When a secret is needed and the system has no random numbers.
    pub fn new(sticky: &Sticky, upstream: &str) -> Self {
        let mut random = [0; 32];
        let secret = match &sticky.secret {
            Some(secret) => secret.as_bytes(),
            None => {
                getrandom::fill(&mut random).expect("the system has random numbers");
                &random
            }
        };
        let mut mac = Hmac::new_from_slice(secret).expect("HMAC takes keys of every length");
        mac.update(upstream.as_bytes());
        mac.update(b"\0");
        Self(mac)
    }

    /// The token of an endpoint.
    pub fn token(&self, endpoint: &str) -> Token {
        let mut mac = self.0.clone();
        mac.update(endpoint.as_bytes());
        let digest: [u8; 32] = mac.finalize().into_bytes().into();
        let mut token = [0; 16];
        token.copy_from_slice(&digest[..16]);
        Token::new(token)
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer")
    }
}

/// The endpoint that the session of a request lives on. Which one that is, and whether there is one, only the pool
/// knows.
pub fn session(sticky: &Sticky, head: &RequestHead) -> Option<Token> {
    variables::cookies(head, &sticky.cookie).find_map(Token::parse)
}

/// Tells the client where its session lives from now on. `secure`: the request came over TLS.
pub fn remember(sticky: &Sticky, token: Token, secure: bool, fields: &mut Fields) {
    // What the configuration allows in names and paths is allowed in a field.
    if let Some(cookie) = FieldValue::new(cookie(sticky, token, secure).as_bytes()) {
        fields.append(FieldName::SetCookie, cookie);
    }
}

/// RFC 6265, section 4.1; `SameSite` is of its successor.
fn cookie(sticky: &Sticky, token: Token, secure: bool) -> String {
    let mut text = format!("{}={token}; Path={}", sticky.cookie, sticky.path);
    if let Some(age) = sticky.max_age {
        // A fraction of a second would be none.
        write!(text, "; Max-Age={}", age.as_secs().max(1)).expect("writing to a String cannot fail");
    }
    // Browsers refuse `SameSite=None` without it.
    if sticky
        .secure
        .unwrap_or(secure || sticky.same_site == SameSite::None)
    {
        text.push_str("; Secure");
    }
    if sticky.http_only {
        text.push_str("; HttpOnly");
    }
    text.push_str(match sticky.same_site {
        SameSite::Strict => "; SameSite=Strict",
        SameSite::Lax => "; SameSite=Lax",
        SameSite::None => "; SameSite=None",
    });
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::Method;

    use super::*;
    use crate::protocol::samples;
    use crate::transport::Secret;

    fn sticky() -> Sticky {
        Sticky {
            secret: Some(Secret::new(b"0123456789abcdef")),
            ..Sticky::default()
        }
    }

    fn token() -> Token {
        signer("app").token("10.0.0.1:80")
    }

    fn signer(upstream: &str) -> Signer {
        Signer::new(&sticky(), upstream)
    }

    #[test]
    fn a_token_is_the_same_everywhere() {
        // printf 'app\0%s' 10.0.0.1:80 | openssl dgst -sha256 -hmac 0123456789abcdef
        assert_eq!(token().to_string(), "241eebd37884882a50e955118570d5af");
        assert_eq!(Token::parse(token().to_string().as_bytes()), Some(token()));
    }

    #[test]
    fn a_token_is_of_one_secret_one_upstream_and_one_endpoint() {
        assert_ne!(signer("app").token("10.0.0.2:80"), token());
        assert_ne!(signer("ap").token("p10.0.0.1:80"), token());
        let random = || Signer::new(&Sticky::default(), "app").token("10.0.0.1:80");
        assert_ne!(random(), random());
    }

    #[test]
    fn what_is_no_token_is_none() {
        let long = "0".repeat(34);
        for text in [
            "",
            "0",
            "zz",
            &long,
            &long[..31],
            "00112233445566778899aabbccddeexy",
        ] {
            assert_eq!(Token::parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn the_session_is_found_among_other_cookies() {
        let mut head = samples::request(Method::GET);
        assert_eq!(session(&sticky(), &head), None);
        let value = format!("a=1; bh_route=spoiled; bh_route={}", token());
        head.fields = Fields::from_iter([("cookie", "b=2"), ("Cookie", &value)]);
        assert_eq!(session(&sticky(), &head), Some(token()));
    }

    #[test]
    fn the_cookie_says_what_is_configured() {
        let default = cookie(&sticky(), token(), false);
        assert_eq!(
            default,
            format!("bh_route={}; Path=/; HttpOnly; SameSite=Lax", token())
        );
        assert!(cookie(&sticky(), token(), true).contains("; Secure"));
        let all = Sticky {
            cookie: "r".into(),
            path: "/shop".into(),
            max_age: Some(Duration::from_secs(3600)),
            secure: None,
            http_only: false,
            same_site: SameSite::None,
            ..sticky()
        };
        let text = format!("r={}; Path=/shop; Max-Age=3600; Secure; SameSite=None", token());
        assert_eq!(cookie(&all, token(), false), text);
    }
}
