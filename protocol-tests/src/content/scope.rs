//! What `${name}` stands for while a case is played.

use std::collections::BTreeMap;

use thiserror::Error;

use crate::protocol::Protocol;

/// Values for references, and the variables of an ordinary request.
#[derive(Clone, Debug)]
pub struct Scope {
    /// How pairs and requests are coded.
    pub protocol: Protocol,
    /// By name.
    pub values: BTreeMap<String, String>,
    /// What `{ basic = … }` gives: names and templates, in this order.
    pub params: Vec<(String, String)>,
    /// The id of FastCGI records that name none.
    pub request_id: u16,
}

/// A reference to a value that nobody gave.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Missing {
    /// Neither the profile nor `--set` has it.
    #[error("there is no value for ${{{0}}}: give one with --set {0}=VALUE")]
    Value(String),
    /// A `${` without its end.
    #[error("`{0}` has ${{ without }}")]
    Brace(String),
}

impl Scope {
    /// A scope without values, but for `patience`: the longest timeout of a target that is waited for.
    pub fn new(protocol: Protocol) -> Self {
        Self {
            protocol,
            values: BTreeMap::from([("patience".to_owned(), PATIENCE.to_owned())]),
            params: Vec::new(),
            request_id: 1,
        }
    }

    /// The same with one value more, or another one.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.values.insert(name.to_owned(), value.into());
        self
    }

    /// The text with its references replaced; `$$` is `$`.
    ///
    /// # Errors
    ///
    /// When a value is missing.
    pub fn expand(&self, text: &str) -> Result<String, Missing> {
        self.expand_with(text, &[])
    }

    /// The same, with values that go before those of the scope.
    pub(crate) fn expand_with(&self, text: &str, local: &[(&str, &str)]) -> Result<String, Missing> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            out.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix('{') {
                let (name, after) = after
                    .split_once('}')
                    .ok_or_else(|| Missing::Brace(text.to_owned()))?;
                out.push_str(self.value(name, local)?);
                rest = after;
            } else {
                out.push('$');
                rest = rest.strip_prefix('$').unwrap_or(rest);
            }
        }
        out.push_str(rest);
        Ok(out)
    }

    fn value<'s>(&'s self, name: &str, local: &[(&str, &'s str)]) -> Result<&'s str, Missing> {
        let local = local
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| *value);
        let value = local.or_else(|| self.values.get(name).map(String::as_str));
        value.ok_or_else(|| Missing::Value(name.to_owned()))
    }
}

/// More than the timeouts of most servers when a client stops: uWSGI takes 8 s for some.
const PATIENCE: &str = "10s";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_replaced_and_dollars_can_be_written() {
        let scope = Scope::new(Protocol::FastCgi).with("a", "x");
        assert_eq!(scope.expand("${a}-$$-$1-${a}"), Ok("x-$-$1-x".to_owned()));
        assert_eq!(scope.expand("${b}"), Err(Missing::Value("b".to_owned())));
        assert_eq!(scope.expand("${b"), Err(Missing::Brace("${b".to_owned())));
    }
}
