//! What requests are hashed by, as it is written in the file.

use std::fmt;
use std::str::FromStr;

use crc32fast::Hasher;

use crate::protocol::RequestHead;
use crate::variables::{Template, TemplateError};

/// A text with variables; a single name will do without its dollar: `uri`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HashKey(Template);

/// Why a text is no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashKeyError {
    /// It is no template.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// Every request would have the same key.
    #[error("a key without a variable sends everything to one endpoint")]
    Constant,
}

impl HashKey {
    /// CRC-32 of the text with the values of this request, as nginx's; `None` when it is empty.
    pub fn hash(&self, head: &RequestHead) -> Option<u32> {
        let (mut hasher, mut length) = (Hasher::new(), 0);
        self.0.write(head, &mut |bytes| {
            length += bytes.len();
            hasher.update(bytes);
        });
        (length > 0).then(|| hasher.finalize())
    }
}

impl FromStr for HashKey {
    type Err = HashKeyError;

    fn from_str(text: &str) -> Result<Self, HashKeyError> {
        let template: Template = match text.contains('$') {
            true => text.parse()?,
            false => Template::of(text.parse()?, text),
        };
        match template.is_constant() {
            true => Err(HashKeyError::Constant),
            false => Ok(Self(template)),
        }
    }
}

/// As it was written.
impl fmt::Display for HashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;
    use crate::protocol::{Target, samples};

    #[test]
    fn a_key_without_a_value_is_no_key() {
        let mut head = samples::request(Method::GET);
        head.target = Target::from_static("/a%20b//c");
        let hash = |key: &str| key.parse::<HashKey>().unwrap().hash(&head);
        assert_eq!(hash("$cookie_none"), None);
        assert_eq!(hash("$uri"), Some(crc32fast::hash(b"/a b/c")));
        assert_eq!(hash("uri"), hash("$uri"));
    }

    #[test]
    fn a_key_without_a_variable_is_refused() {
        let error = |key: &str| key.parse::<HashKey>().unwrap_err();
        assert_eq!(error("url"), TemplateError::Unknown("url".into()).into());
        assert_eq!(error(""), TemplateError::Unknown(String::new()).into());
    }
}
