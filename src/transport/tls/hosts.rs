//! What holds for hosts: by exact names first, then by the longest end.

use std::collections::HashMap;

/// Values by hosts.
#[derive(Clone, Debug)]
pub struct Hosts<T> {
    exact: HashMap<String, T>,
    /// `.example` for `*.example`, the longest first.
    ends: Vec<(String, T)>,
}

impl<T> Hosts<T> {
    /// From pairs of a host, `shop.example` or `*.example` in lower case, and its value.
    pub fn new(hosts: impl IntoIterator<Item = (String, T)>) -> Self {
        let mut found = Self {
            exact: HashMap::new(),
            ends: Vec::new(),
        };
        for (host, value) in hosts {
            match host.strip_prefix('*') {
                Some(end) => found.ends.push((end.to_owned(), value)),
                None => drop(found.exact.insert(host, value)),
            }
        }
        found.ends.sort_by_key(|(end, _)| std::cmp::Reverse(end.len()));
        found
    }

    /// Whether nothing holds for any host.
    pub fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.ends.is_empty()
    }

    /// The value for a host, without port, in any case.
    pub fn find(&self, host: &str) -> Option<&T> {
        let host = host.to_ascii_lowercase();
        let matches = |end: &str| host.len() > end.len() && host.ends_with(end);
        let by_end = || self.ends.iter().find(|(end, _)| matches(end));
        self.exact.get(&host).or_else(|| by_end().map(|(_, value)| value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_special_host_counts() {
        let hosts = ["*.example", "a.example", "*.b.example"].map(|host| (host.to_owned(), host));
        let hosts = Hosts::new(hosts);
        for (host, found) in [
            ("A.example", Some("a.example")),
            ("c.a.example", Some("*.example")),
            ("c.b.example", Some("*.b.example")),
            ("b.example", Some("*.example")),
            ("example", None),
            ("", None),
        ] {
            assert_eq!(hosts.find(host).copied(), found, "{host}");
        }
    }
}
