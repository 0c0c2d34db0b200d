//! `headers` and `params`: names with values.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::json;

use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::layout::Form;
use crate::config::node::Node;
use crate::config::shown::Shown;
use crate::config::units::{Plain, Unit, template};
use crate::frontend::config::ResponseHeaders;
use crate::protocol::fields::{FieldName, FieldNames, FieldValue, is_token};
use crate::variables::Template;

/// Response fields, in the order of their names.
pub(super) struct Headers;

/// Extra variables, in the order of their names. They are the operator's own: any name of the usual form
/// is allowed, `PHP_VALUE` included, which clients can never set.
pub(super) struct Params;

impl Unit<ResponseHeaders> for Headers {
    fn read(&self, node: &Node, complaints: &mut Complaints) -> Option<ResponseHeaders> {
        let typed = pairs(node, complaints)?;
        let mut checked: Vec<(&str, Template)> = Vec::new();
        for (name, value) in &typed {
            let field = (field_name(name, complaints), field_value(value, complaints));
            let (Some(spelling), Some(value)) = field else {
                continue;
            };
            if checked
                .iter()
                .any(|(other, _)| other.eq_ignore_ascii_case(spelling))
            {
                complaints
                    .error(name.span(), format!("the field `{spelling}` is set twice"))
                    .help("upper and lower case do not matter in field names");
            }
            checked.push((spelling, value));
        }
        checked.sort_by_key(|(name, _)| name.to_ascii_lowercase());
        let mut headers = ResponseHeaders::default();
        for (name, value) in checked {
            match value
                .constant()
                .as_deref()
                .and_then(|text| FieldValue::new(text.as_bytes()))
            {
                Some(value) => drop(headers.fixed.append_named(name.as_bytes(), value)),
                None => headers.computed.push((name.to_owned(), value)),
            }
        }
        Some(headers)
    }

    fn show(&self, headers: &ResponseHeaders) -> Shown {
        let fixed = headers.fixed.iter();
        let fixed = fixed.map(|field| (text(field.spelling), text(field.value).replace('$', "$$")));
        let computed = headers.computed.iter();
        let computed = computed.map(|(name, template)| (name.clone(), template.to_string()));
        let all = fixed
            .chain(computed)
            .map(|(name, value)| (name, Shown::text(&value)));
        Shown::Table(all.collect())
    }

    fn form(&self) -> Form {
        form("table of fields")
    }
}

impl Unit<Arc<[(String, Bytes)]>> for Params {
    fn read(&self, node: &Node, complaints: &mut Complaints) -> Option<Arc<[(String, Bytes)]>> {
        let plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
        let mut typed = pairs(node, complaints)?;
        for (name, value) in &typed {
            if name.is_empty() || !name.bytes().all(plain) {
                let complaint = complaints.error(name.span(), "not a name for a variable");
                complaint.help("names consist of A-Z, 0-9 and `_`");
            }
            if value.contains('\0') {
                complaints
                    .error(value.span(), "a NUL in a variable")
                    .help("SCGI ends values with it and C programs stop reading at it");
            }
        }
        typed.sort_by_key(|(name, _)| *name);
        let variables = typed.iter();
        Some(
            variables
                .map(|(name, value)| (name.to_string(), Bytes::from(value.to_string())))
                .collect(),
        )
    }

    fn show(&self, variables: &Arc<[(String, Bytes)]>) -> Shown {
        let shown = variables
            .iter()
            .map(|(name, value)| (name.clone(), Shown::text(&text(value))));
        Shown::Table(shown.collect())
    }

    fn form(&self) -> Form {
        form("table of variables")
    }
}

/// Names with texts.
fn pairs<'a>(node: &'a Node, complaints: &mut Complaints) -> Option<Vec<(&'a At<String>, At<String>)>> {
    let mut pairs = Vec::new();
    for (name, value) in &node.table(complaints)?.entries {
        if let Some(text) = Plain.read(value, complaints) {
            pairs.push((name, At::new(value.span.clone(), text)));
        }
    }
    Some(pairs)
}

fn form(words: &str) -> Form {
    Form::Value {
        words: words.to_owned(),
        schema: json!({ "type": "object", "additionalProperties": { "type": "string" } }),
    }
}

/// What came from TOML, which is UTF-8.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn field_name<'a>(typed: &'a At<String>, complaints: &mut Complaints) -> Option<&'a str> {
    if !is_token(typed.as_bytes()) {
        complaints
            .error(typed.span(), "not a field name")
            .help("names consist of letters, digits and `-`");
        return None;
    }
    if FRAMING.contains(FieldName::of(typed.as_bytes())) {
        complaints
            .error(
                typed.span(),
                format!("`{}` is set by Bridgehead itself", typed.as_str()),
            )
            .help("it describes the connection or the length of the body");
    }
    Some(typed.as_str())
}

fn field_value(typed: &At<String>, complaints: &mut Complaints) -> Option<Template> {
    if FieldValue::new(typed.as_bytes()).is_none() {
        complaints
            .error(typed.span(), "not a field value")
            .help("line ends and other control characters cannot be sent");
        return None;
    }
    template(typed, complaints)
}

/// What says where a message ends and what becomes of the connection.
const FRAMING: FieldNames = FieldNames::of(&[
    FieldName::Connection,
    FieldName::ContentLength,
    FieldName::KeepAlive,
    FieldName::ProxyConnection,
    FieldName::Te,
    FieldName::Trailer,
    FieldName::TransferEncoding,
    FieldName::Upgrade,
]);
