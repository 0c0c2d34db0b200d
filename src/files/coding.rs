//! Codings of files that lie beside them, made before (RFC 9110, section 8.4).

use crate::protocol::fields::weight;

/// A content coding in which a file may lie beside itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// `app.js.br`
    Brotli,
    /// `app.js.zst`
    Zstd,
    /// `app.js.gz`
    Gzip,
}

impl Coding {
    /// The smallest first.
    pub const ALL: [Self; 3] = [Self::Brotli, Self::Zstd, Self::Gzip];

    /// Its name in `Content-Encoding`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
        }
    }

    /// What is behind the name of the file.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Brotli => ".br",
            Self::Zstd => ".zst",
            Self::Gzip => ".gz",
        }
    }

    /// How much a client likes it, in thousandths, by the values of its `Accept-Encoding` (RFC 9110, section 12.5.3); none:
    /// it would rather have the plain form, or does not take it.
    pub(super) fn liking<'a>(self, accept: impl Iterator<Item = &'a [u8]> + Clone) -> Option<u16> {
        let said = |name: &str| said(accept.clone(), name);
        let named = match self {
            Self::Gzip => said("gzip").or_else(|| said("x-gzip")),
            Self::Brotli | Self::Zstd => said(self.as_str()),
        };
        let liked = named.or_else(|| said("*")).unwrap_or(0);
        (liked > 0 && liked >= said("identity").unwrap_or(0)).then_some(liked)
    }
}

/// The weight that a name has in a list.
fn said<'a>(accept: impl Iterator<Item = &'a [u8]>, name: &str) -> Option<u16> {
    let mut members = accept.flat_map(|value| value.split(|byte| *byte == b','));
    members.find_map(|member| {
        let (own, parameters) = match memchr::memchr(b';', member) {
            Some(place) => (&member[..place], &member[place + 1..]),
            None => (member, &b""[..]),
        };
        let is = own.trim_ascii().eq_ignore_ascii_case(name.as_bytes());
        is.then(|| weight(parameters))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coding_is_liked_as_the_client_says() {
        for (accept, brotli, gzip) in [
            ("", None, None),
            ("gzip", None, Some(1000)),
            ("br;q=0.5, x-gzip", Some(500), Some(1000)),
            ("*", Some(1000), Some(1000)),
            ("*;q=0.3, br;q=0", None, Some(300)),
            ("identity, gzip;q=0.9, br", Some(1000), None),
            ("GZIP ; q=1", None, Some(1000)),
        ] {
            let liking = |coding: Coding| coding.liking([accept.as_bytes()].into_iter());
            assert_eq!(liking(Coding::Brotli), brotli, "{accept}");
            assert_eq!(liking(Coding::Gzip), gzip, "{accept}");
        }
    }
}
