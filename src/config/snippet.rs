//! `[snippet.NAME]`: parts of routes, which a route takes with `use` and adds to.
//!
//! They are put into the routes before those are read: a snippet may hold whatever a route may, what it says is checked
//! where it is used, and complaints name its line.

use super::complaints::Complaints;
use super::node::{Node, Table, Value};
use super::suggest;

/// Puts the snippets into the routes of `document` that use them.
pub(super) fn apply(document: &mut Table, complaints: &mut Complaints) {
    let snippets = match document.get(SNIPPET).map(|node| &node.value) {
        Some(Value::Table(table)) => table.clone(),
        _ => Table::default(),
    };
    let mut used = Vec::new();
    refuse_rules(&snippets, complaints);
    let routes = document
        .entries
        .iter_mut()
        .find(|(key, _)| *key.as_str() == *"route");
    if let Some((
        _,
        Node {
            value: Value::List(routes),
            ..
        },
    )) = routes
    {
        for route in routes {
            if let Value::Table(route) = &mut route.value {
                add_all(route, &snippets, &mut used, complaints);
            }
        }
    }
    for (name, _) in &snippets.entries {
        if !used.contains(&name.as_str().to_owned()) {
            complaints.warning(
                name.span(),
                format!("no route uses the snippet `{}`", name.as_str()),
            );
        }
    }
}

/// A snippet says what is done with requests, and not with which.
fn refuse_rules(snippets: &Table, complaints: &mut Complaints) {
    for (_, snippet) in &snippets.entries {
        let Value::Table(snippet) = &snippet.value else {
            continue;
        };
        for (key, _) in &snippet.entries {
            if matches!(key.as_str(), "host" | "path" | "use") {
                complaints
                    .error(key.span(), format!("a snippet has no `{}`", key.as_str()))
                    .help("it is the same for every route that uses it; each has its own host, path and snippets");
            }
        }
    }
}

/// Adds the snippets that a route uses, the first one first.
fn add_all(route: &mut Table, snippets: &Table, used: &mut Vec<String>, complaints: &mut Complaints) {
    let Some(names) = route.get(USE).cloned() else {
        return;
    };
    let names = match names.value {
        Value::List(items) => items,
        _ => vec![names],
    };
    for name in &names {
        let Value::Text(text) = &name.value else { continue };
        match snippets.get(text) {
            Some(Node {
                value: Value::Table(snippet),
                ..
            }) => {
                used.push(text.clone());
                add(route, snippet);
            }
            Some(_) => used.push(text.clone()),
            None => unknown(name, text, snippets, complaints),
        }
    }
}

/// Adds what a route does not say. What both say in tables and arrays adds up, the route's own first; else the route's
/// own holds.
fn add(own: &mut Table, snippet: &Table) {
    for (key, node) in &snippet.entries {
        let known = own.entries.iter_mut().find(|(known, _)| known == key);
        match known.map(|(_, known)| &mut known.value) {
            None => own.entries.push((key.clone(), node.clone())),
            Some(Value::Table(known)) => {
                if let Value::Table(more) = &node.value {
                    add(known, more);
                }
            }
            Some(Value::List(known)) => {
                if let Value::List(more) = &node.value {
                    known.extend(more.iter().cloned());
                }
            }
            Some(_) => {}
        }
    }
}

fn unknown(name: &Node, text: &str, snippets: &Table, complaints: &mut Complaints) {
    let known = || snippets.entries.iter().map(|(name, _)| name.as_str());
    let help = match suggest::nearest(text, known()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if snippets.entries.is_empty() => format!("add a table [snippet.{text}]"),
        None => format!("there are {}", suggest::list(known())),
    };
    complaints
        .error(name.span.clone(), format!("there is no snippet `{text}`"))
        .help(help);
}

const SNIPPET: &str = "snippet";
const USE: &str = "use";

#[cfg(test)]
mod tests {
    use crate::config::parse;

    #[test]
    fn a_route_adds_to_what_its_snippets_say() {
        let text = "[[listen]]\naddress = \"127.0.0.1:1\"\n\
            [snippet.secure]\nheaders = { X-A = \"snippet\", X-B = \"snippet\" }\nlimits = { body = 7, upload_rate = 1 }\n\
            [snippet.php]\nparams = { A = \"1\" }\nphp = { upstream = \"php\", root = \"/srv\", index = [\"index.php\"] }\n\
            [upstream.php]\nprotocol = \"fastcgi\"\nendpoints = [\"127.0.0.1:2\"]\n\
            [[route]]\nuse = [\"secure\", \"php\"]\nheaders = { X-B = \"own\" }\nlimits = { body = 9 }\n\
            php = { index = [\"a.php\"] }\n\
            [[route]]\npath = \"/b\"\nuse = \"secure\"\nrespond = {}\n";
        let whole = "[[listen]]\naddress = \"127.0.0.1:1\"\n\
            [upstream.php]\nprotocol = \"fastcgi\"\nendpoints = [\"127.0.0.1:2\"]\n\
            [[route]]\nheaders = { X-A = \"snippet\", X-B = \"own\" }\nlimits = { body = 9, upload_rate = 1 }\n\
            params = { A = \"1\" }\nphp = { upstream = \"php\", root = \"/srv\", index = [\"a.php\", \"index.php\"] }\n\
            [[route]]\npath = \"/b\"\nheaders = { X-A = \"snippet\", X-B = \"snippet\" }\n\
            limits = { body = 7, upload_rate = 1 }\nrespond = {}\n";
        let read = |text| parse("text", text, &|_| None).unwrap();
        assert_eq!(read(text), read(whole));
    }
}
