//! `errors` of a route.

use http::StatusCode;
use serde_json::json;

use super::rewrite::TARGET;
use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::layout::Form;
use crate::config::node::{Node, Table, Value};
use crate::config::shown::{Entries, Shown};
use crate::config::units::{Flag, Unit, template};
use crate::frontend::config::{Errors, Page, PagePlace, PageStatus, Statuses};

/// Pages by statuses.
pub(super) struct ErrorPages;

impl Unit<Errors> for ErrorPages {
    fn read(&self, node: &Node, complaints: &mut Complaints) -> Option<Errors> {
        let mut errors = Errors::default();
        for (key, value) in &node.table(complaints)?.entries {
            if *key.as_str() == *INTERCEPT {
                errors.intercept = Flag.read(value, complaints).unwrap_or_default();
                continue;
            }
            let (statuses, page) = (statuses(key, complaints), page(value, complaints));
            errors.pages.extend(statuses.zip(page));
        }
        errors.pages.sort_by_key(|(statuses, _)| *statuses);
        if errors.pages.is_empty() && complaints.is_whole(node.span.clone()) {
            complaints
                .warning(node.span.clone(), "`errors` has no page")
                .help("write { 404 = \"/404.html\" }");
        }
        Some(errors)
    }

    fn show(&self, errors: &Errors) -> Shown {
        let pages = errors.pages.iter();
        let mut entries: Entries = pages
            .map(|(statuses, page)| (text(*statuses), show(page)))
            .collect();
        if errors.intercept {
            entries.push((INTERCEPT.to_owned(), Shown::plain(true)));
        }
        Shown::Table(entries)
    }

    fn form(&self) -> Form {
        Form::Value {
            words: "table of pages by statuses, and `intercept`".to_owned(),
            schema: json!({ "type": "object", "additionalProperties": { "type": ["string", "boolean", "object"] } }),
        }
    }
}

const INTERCEPT: &str = "intercept";

/// `404`, or `5xx`.
fn statuses(key: &At<String>, complaints: &mut Complaints) -> Option<Statuses> {
    let statuses = match key.as_str() {
        "4xx" => Some(Statuses::Class(4)),
        "5xx" => Some(Statuses::Class(5)),
        digits => digits
            .parse()
            .ok()
            .filter(|status| (400..600).contains(status))
            .and_then(|status| StatusCode::from_u16(status).ok())
            .map(Statuses::One),
    };
    if statuses.is_none() {
        complaints
            .error(key.span(), format!("`{}` is no status of an error", key.as_str()))
            .help("write one from 400 to 599, \"4xx\" or \"5xx\"; there is also `intercept`");
    }
    statuses
}

fn text(statuses: Statuses) -> String {
    match statuses {
        Statuses::One(status) => status.as_u16().to_string(),
        Statuses::Class(class) => format!("{class}xx"),
    }
}

fn page(node: &Node, complaints: &mut Complaints) -> Option<Page> {
    let mut status = PageStatus::Error;
    let to = match &node.value {
        Value::Table(table) => {
            table.refuse_unknown(&["to", "status"], complaints);
            status = match table.get("status") {
                Some(typed) => self::status(typed, complaints)?,
                None => status,
            };
            target(table, node, complaints)?
        }
        Value::Text(_) => node,
        _ => {
            node.refuse(
                "a path, the name of a route, a URL, or a table with `to`",
                complaints,
            );
            return None;
        }
    };
    let to = place(to, complaints)?;
    refuse_status(&to, status, node, complaints);
    Some(Page { to, status })
}

fn target<'a>(table: &'a Table, node: &Node, complaints: &mut Complaints) -> Option<&'a Node> {
    let to = table.get("to");
    if to.is_none() {
        complaints
            .error(node.span.clone(), "`to` is missing")
            .help("add to = \"/error.html\", a route, \"@sorry\", or a URL");
    }
    to
}

fn status(node: &Node, complaints: &mut Complaints) -> Option<PageStatus> {
    let status = match &node.value {
        Value::Text(text) if text == OWN => Some(PageStatus::Own),
        Value::Integer(number) => u16::try_from(*number)
            .ok()
            .filter(|number| (200..600).contains(number))
            .and_then(|number| StatusCode::from_u16(number).ok())
            .map(PageStatus::Fixed),
        _ => None,
    };
    if status.is_none() {
        node.refuse("a status from 200 to 599, or \"own\"", complaints);
    }
    status
}

/// Statuses that send a client elsewhere.
const REDIRECTS: [u16; 5] = [301, 302, 303, 307, 308];

const OWN: &str = "own";

fn place(node: &Node, complaints: &mut Complaints) -> Option<PagePlace> {
    let text = node.template(complaints)?;
    let typed = At::new(node.span.clone(), text.to_owned());
    if let Some(name) = text.strip_prefix('@') {
        return Some(PagePlace::Route(name.to_owned()));
    }
    if text.starts_with("https://") || text.starts_with("http://") {
        return template(&typed, complaints).map(PagePlace::Elsewhere);
    }
    (TARGET.read)(&typed, complaints).map(PagePlace::Target)
}

/// A client is sent elsewhere by statuses of their own.
fn refuse_status(to: &PagePlace, status: PageStatus, node: &Node, complaints: &mut Complaints) {
    if let (PagePlace::Elsewhere(_), PageStatus::Fixed(status)) = (to, status)
        && !REDIRECTS.contains(&status.as_u16())
    {
        complaints
            .error(
                node.span.clone(),
                format!("a client is not sent elsewhere by {}", status.as_u16()),
            )
            .help("write 301, 302, 303, 307 or 308");
    }
}

fn show(page: &Page) -> Shown {
    let to = Shown::text(&match &page.to {
        PagePlace::Target(to) | PagePlace::Elsewhere(to) => to.to_string(),
        PagePlace::Route(name) => format!("@{name}"),
    });
    let status = match page.status {
        PageStatus::Error => return to,
        PageStatus::Own => Shown::text(OWN),
        PageStatus::Fixed(status) => Shown::plain(status.as_u16()),
    };
    Shown::Table(vec![("to".to_owned(), to), ("status".to_owned(), status)])
}
