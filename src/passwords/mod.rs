//! Users and the hashes of their passwords, as `htpasswd` of Apache writes them. Knows nothing of requests.

mod apr1;
mod digest;
mod hash;

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

pub use digest::{Digest, Digester};
use hash::Hash;

/// The users of one file.
#[derive(Debug, Default)]
pub struct Users {
    hashes: HashMap<Box<[u8]>, Hash>,
    /// What an unknown user is compared with: the dearest hash of the file.
    dearest: Option<Hash>,
}

/// Why there are no users.
#[derive(Debug, thiserror::Error)]
pub enum UsersError {
    /// A line that makes no user, with its number.
    #[error("{0}: {1}")]
    Line(usize, &'static str),
    /// The file.
    #[error(" {0}")]
    Io(#[from] io::Error),
}

impl Users {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// When it cannot be read, is larger than a file of users may be, or a line is no user.
    pub fn load(path: &Path) -> Result<Self, UsersError> {
        let mut text = Vec::new();
        let file = File::open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("no regular file").into());
        }
        file.take(LONGEST).read_to_end(&mut text)?;
        if text.len() as u64 == LONGEST {
            return Err(io::Error::other("larger than a file of users may be").into());
        }
        Self::parse(&text)
    }

    /// Reads lines of `NAME:HASH`; those that are empty or begin with `#` are none. What is behind another colon is a comment,
    /// as for nginx.
    ///
    /// # Errors
    ///
    /// The first line that is no user: what is left out would be a user that cannot log in, which is never wanted.
    pub fn parse(text: &[u8]) -> Result<Self, UsersError> {
        let mut users = Self::default();
        for (number, line) in text.split(|byte| *byte == b'\n').enumerate() {
            let line = line.trim_ascii();
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            users
                .add(line)
                .map_err(|what| UsersError::Line(number + 1, what))?;
        }
        Ok(users)
    }

    fn add(&mut self, line: &[u8]) -> Result<(), &'static str> {
        let mut parts = line.split(|byte| *byte == b':');
        let name = parts.next().filter(|name| !name.is_empty()).ok_or("no name")?;
        let hash = parts
            .next()
            .ok_or("no `NAME:HASH`: make one with `htpasswd -B FILE NAME`")?;
        let hash = Hash::parse(hash)?;
        if self.hashes.len() == MOST {
            return Err("more users than the 10000 that a file may have");
        }
        if self
            .dearest
            .as_ref()
            .is_none_or(|dearest| dearest.cost() < hash.cost())
        {
            self.dearest = Some(hash.clone());
        }
        match self.hashes.insert(name.into(), hash) {
            None => Ok(()),
            Some(_) => Err("another line has this name"),
        }
    }

    /// Whether it is the user's password. Takes as long as the hash says, and for an unknown user as long as the dearest one:
    /// to be called where waiting is allowed.
    pub fn verify(&self, name: &[u8], password: &[u8]) -> bool {
        if password.len() > LONGEST_PASSWORD {
            return false;
        }
        match self.hashes.get(name) {
            Some(hash) => hash.verify(password),
            None => {
                // Names cannot be told by the time that is taken.
                let _ = self.dearest.as_ref().map(|dearest| dearest.verify(password));
                false
            }
        }
    }
}

/// Users of one file.
const MOST: usize = 10_000;

/// Bytes of one file.
const LONGEST: u64 = 2 << 20;

/// Bytes of a password, as with libxcrypt: the work grows with them, that of SHA-crypt with their square.
const LONGEST_PASSWORD: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by `htpasswd`, `openssl passwd` and `argon2` of Debian, all of the password `geheim`.
    const FILE: &[u8] = b"# the office\n\
        bcrypt:$2y$05$bNu47bhf7gu84xAO6j6FMejgPV95cZ69b0akgDR214RqY9RlhHYKq\n\
        apr1:$apr1$k9ffr7FQ$joR0kSYV3w3k53z0SwPri0\n\
        openssl:$apr1$bK01FJfJ$2QVpAwLrygXj6LZxv1nEH1:a comment\r\n\
        sha256:$5$sUXqrC8r8wgm8pB4$sTRQ3gYENOohLVivsqv1gbVLC.50V3d1b7RogxfrTH/\n\
        sha512:$6$jMeeTulv5w5FR5TW$9FBVB3HViFLVgokdWws0g6yIcet8tKnZ83jsvAQFotK0vnw/De75oeOOUP6Ij7I1o1LDoufZxBTd9XjHSn/gh.\n\
        rounds:$6$rounds=1000$iOHLqyEK/e4VSqhx$l0qwmqqewQ1tErjxvqXBiAfL2HVPBq2ucjnN6fYpkbtrqaAJDL28piYvK2F5aSy6tzMCMW2vGUY7DShve6AKu.\n\
        \n\
        argon2id:$argon2id$v=19$m=4096,t=2,p=1$c29tZXNhbHQxMg$h/lnbpBJ6lFQGjtaN/uaGtfxTIUF9XK8vCSJdqC14Ts\n";

    #[test]
    fn every_kind_of_hash_knows_its_password_and_no_other() {
        let users = Users::parse(FILE).unwrap();
        for name in [
            "bcrypt", "apr1", "openssl", "sha256", "sha512", "rounds", "argon2id",
        ] {
            assert!(users.verify(name.as_bytes(), b"geheim"), "{name}");
            for other in [&b"geheim "[..], b"Geheim", b"", b"geheim\0"] {
                assert!(!users.verify(name.as_bytes(), other), "{name} {other:?}");
            }
        }
        assert!(!users.verify(b"unknown", b"geheim"));
        assert!(!Users::default().verify(b"unknown", b""));
    }

    #[test]
    fn a_password_of_any_length_is_not_compared() {
        // Of bcrypt, the first 72 bytes count: the longer one would be right.
        let hash = bcrypt::hash([b'x'; LONGEST_PASSWORD], 4).unwrap();
        let users = Users::parse(format!("anna:{hash}").as_bytes()).unwrap();
        assert!(users.verify(b"anna", &[b'x'; LONGEST_PASSWORD]));
        assert!(!users.verify(b"anna", &[b'x'; LONGEST_PASSWORD + 1]));
    }

    #[test]
    fn an_unknown_user_costs_what_the_dearest_hash_does() {
        let users = Users::parse(FILE).unwrap();
        let dearest = users.dearest.as_ref().unwrap().cost();
        assert!(users.hashes.values().all(|hash| hash.cost() <= dearest));
    }

    #[test]
    fn a_line_that_is_no_user_is_told_with_its_number() {
        for (line, part) in [
            ("anna", "htpasswd -B"),
            (
                ":$2y$05$bNu47bhf7gu84xAO6j6FMejgPV95cZ69b0akgDR214RqY9RlhHYKq",
                "no name",
            ),
            ("anna:geheim", "no hash"),
            ("anna:{SHA}kGByAB793z4R5tK1eC9Hd/4Dhzk=", "{SHA}"),
            ("anna:raZietcfKjapU", "no hash"),
            (
                "anna:$2y$31$bNu47bhf7gu84xAO6j6FMejgPV95cZ69b0akgDR214RqY9RlhHYKq",
                "cost",
            ),
            ("anna:$2y$05$bNu47", "not whole"),
            ("anna:$6$rounds=900000000$abcdefgh$x", "rounds"),
            ("anna:$5$abcdefgh$short", "not whole"),
            ("anna:$apr1$k9ffr7FQ$joR0kSYV3w3k53z0SwPri", "not whole"),
            (
                "anna:$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHQxMg$h/lnbpBJ6lFQGjtaN/uaGtfxTIUF9XK8vCSJdqC14Ts",
                "memory",
            ),
            (
                "anna:$argon2i$v=19$m=4096,t=2,p=1$c29tZXNhbHQxMg$h/lnbpBJ6lFQGjtaN/uaGtfxTIUF9XK8vCSJdqC14Ts",
                "no hash",
            ),
            ("anna:$argon2id$v=19$m=4096$x", "not whole"),
        ] {
            let error = Users::parse(format!("# one\n{line}\n").as_bytes()).unwrap_err();
            let said = error.to_string();
            assert!(said.starts_with("2: ") && said.contains(part), "{line}: {said}");
        }
        let twice = [FILE, FILE].concat();
        assert_eq!(
            Users::parse(&twice).unwrap_err().to_string(),
            "11: another line has this name"
        );
    }
}
