//! What an URL says behind its question mark.

use percent_encoding::percent_decode_str;

/// The query of a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Query<'a>(pub(super) &'a str);

impl Query<'_> {
    /// A number; of more than one the first, `default` for everything that is none.
    pub(super) fn number(&self, name: &str, default: u64) -> u64 {
        self.text(name)
            .and_then(|text| text.parse().ok())
            .unwrap_or(default)
    }

    /// A text, decoded.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let mut pairs = self.0.split('&').filter_map(|pair| pair.split_once('='));
        let (_, value) = pairs.find(|(known, _)| *known == name)?;
        let spaced = value.replace('+', " ");
        Some(percent_decode_str(&spaced).decode_utf8_lossy().into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_and_decoded() {
        let query = Query("ms=5&to=%2Fa+b%3Fx&ms=6&bad=x&empty=");
        assert_eq!(query.number("ms", 1), 5);
        assert_eq!(query.number("bad", 1), 1);
        assert_eq!(query.number("none", 7), 7);
        assert_eq!(query.text("to").as_deref(), Some("/a b?x"));
        assert_eq!(query.text("empty").as_deref(), Some(""));
    }
}
