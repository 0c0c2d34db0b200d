//! Lists of fields from and to other forms: literals, and the maps of HTTP/2.

use super::{FieldValue, Fields};

/// From literals; for tests and fixed answers.
impl<'a> FromIterator<(&'a str, &'a str)> for Fields {
    /// # Panics
    ///
    /// When a name is no token or a value holds a control byte.
    fn from_iter<T: IntoIterator<Item = (&'a str, &'a str)>>(pairs: T) -> Self {
        let mut fields = Self::new();
        for (name, value) in pairs {
            let value = FieldValue::new(value.as_bytes()).expect("a field value");
            assert!(
                fields.append_named(name.as_bytes(), value),
                "{name:?} is no field name"
            );
        }
        fields
    }
}

/// From HTTP/2, where names have no case.
impl From<&http::HeaderMap> for Fields {
    fn from(headers: &http::HeaderMap) -> Self {
        let mut fields = Self::with_capacity(headers.len());
        for (name, value) in headers {
            fields.append_named(name.as_str().as_bytes(), value);
        }
        fields
    }
}

/// For HTTP/2.
impl From<&Fields> for http::HeaderMap {
    fn from(fields: &Fields) -> Self {
        let mut headers = Self::with_capacity(fields.len());
        for field in fields.iter() {
            let name = http::HeaderName::from_bytes(field.spelling);
            if let (Ok(name), Ok(value)) = (name, http::HeaderValue::from_bytes(field.value)) {
                headers.append(name, value);
            }
        }
        headers
    }
}
