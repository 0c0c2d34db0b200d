//! `headers` and `params`: names with values.

use bytes::Bytes;
use serde_json::json;

use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::layout::Form;
use crate::config::node::{Node, Value};
use crate::config::shown::{Entries, Shown};
use crate::config::suggest;
use crate::config::units::{Flag, Plain, Unit, template};
use crate::frontend::config::{ExtraParams, FieldRules, ResponseHeaders};
use crate::protocol::fields::{FieldName, FieldNames, FieldValue, Fields, is_token};
use crate::variables::Template;

/// What is done to fields of answers: `{ X-A = "1" }`, or `{ set = { X-A = "1" }, remove = ["X-B"] }`.
pub(super) struct Headers;

/// What is done to fields of requests, in the same words.
pub(super) struct RequestHeaders;

/// Extra variables, in the order of their names. They are the operator's own: any name of the usual form
/// is allowed, `PHP_VALUE` included, which clients can never set.
pub(super) struct Params;

impl Unit<ResponseHeaders> for Headers {
    fn read(&self, node: &Node, complaints: &mut Complaints) -> Option<ResponseHeaders> {
        let mut headers = ResponseHeaders::default();
        headers.rules = rules(node, complaints, |key, value, rules, complaints| {
            match key.as_str() {
                "on_errors" => {
                    if let Some(flag) = Flag.read(value, complaints) {
                        headers.on_errors = flag;
                    }
                    true
                }
                "preset" => {
                    preset(value, rules, complaints);
                    true
                }
                _ => false,
            }
        })?;
        Some(headers)
    }

    fn show(&self, headers: &ResponseHeaders) -> Shown {
        let mut entries = show(&headers.rules);
        if !headers.on_errors {
            entries.push(("on_errors".to_owned(), Shown::plain(false)));
        }
        Shown::Table(entries)
    }

    fn form(&self) -> Form {
        form("table of fields, or of `set`, `add`, `default`, `remove`, `preset` and `on_errors`")
    }
}

impl Unit<FieldRules> for RequestHeaders {
    fn read(&self, node: &Node, complaints: &mut Complaints) -> Option<FieldRules> {
        let rules = rules(node, complaints, |_, _, _, _| false)?;
        for name in names(&rules) {
            refuse_forwarding(&name, node, complaints);
        }
        Some(rules)
    }

    fn show(&self, rules: &FieldRules) -> Shown {
        Shown::Table(show(rules))
    }

    fn form(&self) -> Form {
        form("table of fields, or of `set`, `add`, `default` and `remove`")
    }
}

/// Keys of a table of fields that are no names of fields, whatever is written behind them.
const OPTIONS: [&str; 2] = ["on_errors", "preset"];

/// Reads what is done to fields; `other` knows more keys, and says whether it does.
fn rules(
    node: &Node,
    complaints: &mut Complaints,
    mut other: impl FnMut(&At<String>, &Node, &mut FieldRules, &mut Complaints) -> bool,
) -> Option<FieldRules> {
    let mut rules = FieldRules::default();
    let mut set = Vec::new();
    for (key, value) in &node.table(complaints)?.entries {
        match (key.as_str(), &value.value) {
            ("set", _) => set.extend(fields(value, &set, complaints)),
            ("add", _) => rules.add = fields(value, &[], complaints),
            ("default", _) => rules.default.extend(fields(value, &[], complaints)),
            ("remove", _) => rules.remove = removed(value, complaints),
            (name, Value::Text(text)) if !OPTIONS.contains(&name) => {
                let text = At::new(value.span.clone(), text.clone());
                set.extend(field(key, &text, &set, complaints));
            }
            _ if other(key, value, &mut rules, complaints) => {}
            _ => {
                value.refuse("the value of a field, in quotes", complaints);
            }
        }
    }
    for list in [&mut set, &mut rules.add, &mut rules.default] {
        list.sort_by_key(|(name, _)| name.to_ascii_lowercase());
    }
    rules.remove.sort();
    (rules.fixed, rules.computed) = split(set);
    Some(rules)
}

/// The fields of a table.
fn fields(node: &Node, known: &[(String, Template)], complaints: &mut Complaints) -> Vec<(String, Template)> {
    let mut fields: Vec<(String, Template)> = Vec::new();
    for (name, value) in pairs(node, complaints).unwrap_or_default() {
        let all = [known, &fields].concat();
        fields.extend(field(name, &value, &all, complaints));
    }
    fields
}

/// A field that is none of those that are `known`.
fn field(
    name: &At<String>,
    value: &At<String>,
    known: &[(String, Template)],
    complaints: &mut Complaints,
) -> Option<(String, Template)> {
    let (spelling, value) = (field_name(name, complaints), field_value(value, complaints));
    let (spelling, value) = (spelling?, value?);
    if known
        .iter()
        .any(|(other, _)| other.eq_ignore_ascii_case(spelling))
    {
        complaints
            .error(name.span(), format!("the field `{spelling}` is set twice"))
            .help("upper and lower case do not matter in field names");
    }
    Some((spelling.to_owned(), value))
}

fn removed(node: &Node, complaints: &mut Complaints) -> Vec<String> {
    let items = match &node.value {
        Value::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    let mut names = Vec::new();
    for item in items {
        if let Some(text) = item.text("the name of a field", complaints) {
            let name = At::new(item.span.clone(), text.to_owned());
            names.extend(field_name(&name, complaints).map(str::to_owned));
        }
    }
    names
}

/// Fields of the named set, given where an answer has none of the name.
fn preset(node: &Node, rules: &mut FieldRules, complaints: &mut Complaints) {
    let Some(name) = node.text("the name of a preset", complaints) else {
        return;
    };
    if name != "security" {
        complaints
            .error(node.span.clone(), format!("unknown preset `{name}`"))
            .help(format!("there is {}", suggest::list(["security"])));
        return;
    }
    let fields = SECURITY.map(|(name, value)| (name.to_owned(), value.parse().unwrap_or_default()));
    rules.default.extend(fields);
}

/// What a browser is to leave alone, for nearly every site; what depends on the site (HSTS, CSP) is not among it.
const SECURITY: [(&str, &str); 3] = [
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "SAMEORIGIN"),
    ("Referrer-Policy", "strict-origin-when-cross-origin"),
];

/// The fields that are the same for all requests, and the others.
fn split(set: Vec<(String, Template)>) -> (Fields, Vec<(String, Template)>) {
    let (mut fixed, mut computed) = (Fields::new(), Vec::new());
    for (name, template) in set {
        let text = template.constant();
        match text.as_deref().and_then(|text| FieldValue::new(text.as_bytes())) {
            Some(value) => drop(fixed.append_named(name.as_bytes(), value)),
            None => computed.push((name, template)),
        }
    }
    (fixed, computed)
}

/// Fields that are set stand alone where there is nothing else.
fn show(rules: &FieldRules) -> Entries {
    let fixed = rules.fixed.iter();
    let fixed = fixed.map(|field| {
        let value = text(field.value).replace('$', "$$");
        (text(field.spelling), Shown::text(&value))
    });
    let set: Entries = fixed.chain(templates(&rules.computed)).collect();
    let others = [("add", &rules.add), ("default", &rules.default)];
    let others = others.into_iter().filter(|(_, list)| !list.is_empty());
    let mut entries: Entries = others
        .map(|(key, list)| (key.to_owned(), Shown::Table(templates(list).collect())))
        .collect();
    if !rules.remove.is_empty() {
        let names = rules.remove.iter().map(|name| Shown::text(name));
        entries.push(("remove".to_owned(), Shown::list(names)));
    }
    match (set.is_empty(), entries.is_empty()) {
        (_, true) => return set,
        (true, false) => {}
        (false, false) => entries.insert(0, ("set".to_owned(), Shown::Table(set))),
    }
    entries
}

fn templates(list: &[(String, Template)]) -> impl Iterator<Item = (String, Shown)> {
    list.iter()
        .map(|(name, template)| (name.clone(), Shown::text(template.as_str())))
}

/// Every field that is given a value.
fn names(rules: &FieldRules) -> Vec<String> {
    let fixed = rules.fixed.iter().map(|field| text(field.spelling));
    let lists = [&rules.computed, &rules.add, &rules.default];
    let others = lists.into_iter().flatten().map(|(name, _)| name.clone());
    fixed.chain(others).collect()
}

/// What the gateway tells applications itself.
fn refuse_forwarding(name: &str, node: &Node, complaints: &mut Complaints) {
    let lower = name.to_ascii_lowercase();
    let help = match lower.as_str() {
        "host" => "write `host` in `proxy` or in the upstream, or params = { HTTP_HOST = \"…\" }",
        "x-real-ip" | "forwarded" => FORWARDING,
        _ if lower.starts_with("x-forwarded-") || lower.starts_with("x-ssl-client-") => FORWARDING,
        _ if !name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') =>
        {
            "names that become variables consist of letters, digits and `-`"
        }
        _ => return,
    };
    let place = complaints.part(node.span.clone(), name);
    complaints
        .error(
            place,
            format!("`{name}` is none of the fields that can be set here"),
        )
        .help(help);
}

const FORWARDING: &str =
    "the gateway tells applications of the client by itself; `trusted_proxies` says whom it believes";

impl Unit<ExtraParams> for Params {
    fn read(&self, node: &Node, complaints: &mut Complaints) -> Option<ExtraParams> {
        let mut typed: Vec<(&At<String>, At<String>)> = Vec::new();
        for (name, value) in &node.table(complaints)?.entries {
            if let Some(text) = value.template(complaints) {
                typed.push((name, At::new(value.span.clone(), text.to_owned())));
            }
        }
        typed.sort_by_key(|(name, _)| *name);
        let (mut fixed, mut computed) = (Vec::new(), Vec::new());
        for (name, value) in &typed {
            check_param(name, value, complaints);
            let template = Template::lenient(value, &complaints.captures);
            match template.constant() {
                Some(text) => fixed.push((name.to_string(), Bytes::from(text))),
                None => computed.push((name.to_string(), template)),
            }
        }
        Some(ExtraParams {
            fixed: fixed.into(),
            computed,
        })
    }

    fn show(&self, params: &ExtraParams) -> Shown {
        let fixed = params.fixed.iter();
        let fixed = fixed.map(|(name, value)| (name.clone(), Shown::text(&text(value).replace('$', "$$"))));
        let mut shown: Entries = fixed.chain(templates(&params.computed)).collect();
        shown.sort_by(|(one, _), (other, _)| one.cmp(other));
        Shown::Table(shown)
    }

    fn form(&self) -> Form {
        form("table of variables")
    }
}

fn check_param(name: &At<String>, value: &At<String>, complaints: &mut Complaints) {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if name.is_empty() || !name.bytes().all(plain) {
        let complaint = complaints.error(name.span(), "not a name for a variable");
        complaint.help("names consist of letters, digits and `_`");
    }
    if value.contains('\0') {
        complaints
            .error(value.span(), "a NUL in a variable")
            .help("SCGI ends values with it and C programs stop reading at it");
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
        schema: json!({ "type": "object" }),
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
