//! Names of the DNS, as far as hosts have them.

use std::fmt;

/// Bytes of a name in a message, at most, the root's included (RFC 1035, section 3.1).
pub(super) const MOST: usize = 255;

/// Bytes of a label, at most.
pub(super) const LABEL: usize = 63;

/// A name of letters, digits, `-` and `_`, in lower case, without a dot at its end.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DomainName(String);

impl DomainName {
    /// `None`: not such a name.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.strip_suffix('.').unwrap_or(text);
        let label = |label: &str| (1..=LABEL).contains(&label.len()) && label.bytes().all(is_plain);
        // In a message each label has a byte in front, and the root one of its own.
        let fits = text.len() + 2 <= MOST;
        (fits && text.split('.').all(label)).then(|| Self(text.to_ascii_lowercase()))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As it stands in a message.
    pub(super) fn put(&self, out: &mut Vec<u8>) {
        for label in self.0.split('.') {
            put_label(label, out);
        }
        out.push(0);
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A label, with its length in front; what does not fit is cut off, which is no label of a [`DomainName`].
pub(super) fn put_label(label: &str, out: &mut Vec<u8>) {
    let bytes = &label.as_bytes()[..label.len().min(LABEL)];
    out.push(bytes.len() as u8);
    out.extend_from_slice(bytes);
}

/// What labels of hosts and of services consist of.
pub(super) fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_hosts_in_lower_case() {
        let name = |text| DomainName::new(text).map(|name| name.to_string());
        assert_eq!(name("Shop.Example."), Some("shop.example".into()));
        assert_eq!(name("_acme-challenge.x"), Some("_acme-challenge.x".into()));
        let long = "a".repeat(64);
        for text in ["", ".", "a..b", "*.example", "a b", "ä.example", long.as_str()] {
            assert_eq!(name(text), None, "{text}");
        }
        let longest = [["a".repeat(49).as_str(); 5].join("."), "abc".into()].join(".");
        assert_eq!(longest.len(), MOST - 2);
        assert!(name(&longest).is_some());
        assert!(name(&format!("{longest}d")).is_none());
    }

    #[test]
    fn a_message_has_lengths_in_place_of_dots() {
        let mut wire = Vec::new();
        DomainName::new("ns.example").unwrap().put(&mut wire);
        assert_eq!(wire, b"\x02ns\x07example\x00");
    }
}
