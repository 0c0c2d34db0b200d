//! `[snippet.NAME]`: parts of routes, which a route takes with `use` and adds to.
//!
//! They are put into the routes before those are read: a snippet may hold whatever a route may, what it says is checked
//! where it is used, and complaints name its line.

use super::complaints::Complaints;
use super::layout::{Form, Layout};
use super::node::{Node, Table, Value};
use super::suggest;
use super::table::Table as _;
use super::tables::Route;

/// Puts the snippets into the routes of `document` that use them.
pub(super) fn apply(document: &mut Table, complaints: &mut Complaints) {
    let snippets = match document.get(SNIPPET).map(|node| &node.value) {
        Some(Value::Table(table)) => table.clone(),
        _ => Table::default(),
    };
    let mut used = Vec::new();
    let layout = Route::layout();
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
                add_all(route, &snippets, &layout, &mut used, complaints);
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
fn add_all(
    route: &mut Table,
    snippets: &Table,
    layout: &Layout,
    used: &mut Vec<String>,
    complaints: &mut Complaints,
) {
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
                add(route, snippet, Some(layout));
            }
            Some(_) => used.push(text.clone()),
            None => unknown(name, text, snippets, complaints),
        }
    }
}

/// Adds what a route does not say. What both say in tables and arrays adds up, the route's own first, and so does a
/// single value of a key that takes several; else the route's own holds.
fn add(own: &mut Table, snippet: &Table, layout: Option<&Layout>) {
    for (key, node) in &snippet.entries {
        let Some((_, known)) = own.entries.iter_mut().find(|(known, _)| known == key) else {
            own.entries.push((key.clone(), node.clone()));
            continue;
        };
        let form = layout.and_then(|layout| layout.form(key));
        if form.is_some_and(Form::is_one_or_more) || is_one_beside_several(&known.value, &node.value) {
            let more = items(node.clone());
            let first = std::mem::replace(&mut known.value, Value::Unusable);
            let first = items(Node {
                value: first,
                ..known.clone()
            });
            known.value = Value::List(first.into_iter().chain(more).collect());
            continue;
        }
        match (&mut known.value, &node.value) {
            (Value::Table(known), Value::Table(more)) => add(known, more, form.and_then(Form::layout)),
            (Value::List(known), Value::List(more)) => known.extend(more.iter().cloned()),
            _ => {}
        }
    }
}

/// A text where the other one has an array: none of both is lost. A flag that stands for an array is no element of it.
fn is_one_beside_several(one: &Value, other: &Value) -> bool {
    matches!(
        (one, other),
        (Value::Text(_), Value::List(_)) | (Value::List(_), Value::Text(_))
    )
}

/// The elements of an array, or the one that stands for it.
fn items(node: Node) -> Vec<Node> {
    match node.value {
        Value::List(items) => items,
        _ => vec![node],
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
    #[test]
    fn one_value_and_several_add_up_whatever_the_form() {
        for (own, snippet) in [
            ("'10.0.0.1'", "'10.0.0.2'"),
            ("'10.0.0.1'", "['10.0.0.2']"),
            ("['10.0.0.1']", "'10.0.0.2'"),
            ("['10.0.0.1']", "['10.0.0.2']"),
        ] {
            let text = format!(
                "[[listen]]\naddress = '127.0.0.1:1'\n\
                [snippet.a]\naccess = {{ deny = {snippet} }}\n[snippet.b]\naccess = {{ deny = '10.0.0.3' }}\n\
                cors = {{ origins = 'https://b.test', methods = 'PUT' }}\nsend_file = '@b'\n\
                [[route]]\nuse = ['a', 'b']\naccess = {{ deny = {own} }}\nsend_file = '@a'\n\
                cors = {{ origins = 'https://a.test', methods = 'GET' }}\nproxy = {{ upstream = 'app' }}\n{REST}"
            );
            let whole = format!(
                "[[listen]]\naddress = '127.0.0.1:1'\n\
                [[route]]\naccess = {{ deny = ['10.0.0.1', '10.0.0.2', '10.0.0.3'] }}\nsend_file = ['@a', '@b']\n\
                cors = {{ origins = ['https://a.test', 'https://b.test'], methods = ['GET', 'PUT'] }}\n\
                proxy = {{ upstream = 'app' }}\n{REST}"
            );
            let read = |text: &str| parse("text", text, &|_| None).unwrap();
            assert_eq!(read(&text), read(&whole), "{own} and {snippet}");
        }
    }

    #[test]
    fn a_text_beside_an_array_is_not_lost_where_no_key_is_declared() {
        for (own, snippet) in [("'X-A'", "['X-B']"), ("['X-A']", "'X-B'")] {
            let text = format!(
                "[[listen]]\naddress = '127.0.0.1:1'\n[snippet.a]\nheaders = {{ remove = {snippet} }}\n\
                [[route]]\nuse = 'a'\nheaders = {{ remove = {own} }}\nrespond = {{}}\n"
            );
            let whole = "[[listen]]\naddress = '127.0.0.1:1'\n\
                [[route]]\nheaders = { remove = ['X-A', 'X-B'] }\nrespond = {}\n";
            let read = |text: &str| parse("text", text, &|_| None).unwrap();
            assert_eq!(read(&text), read(whole), "{own} and {snippet}");
        }
    }

    #[test]
    fn a_flag_for_all_that_there_is_stays_the_route_s_own() {
        let text = "[[listen]]\naddress = '127.0.0.1:1'\n[snippet.a]\nfiles = { precompressed = ['gzip'] }\n\
            [[route]]\nuse = 'a'\nfiles = { root = '/srv', precompressed = true }\n";
        let whole = "[[listen]]\naddress = '127.0.0.1:1'\n\
            [[route]]\nfiles = { root = '/srv', precompressed = true }\n";
        let read = |text| parse("text", text, &|_| None).unwrap();
        assert_eq!(read(text), read(whole));
    }

    const REST: &str = "[[route]]\npath = '@a'\nfiles = { root = '/srv/a' }\n\
        [[route]]\npath = '@b'\nfiles = { root = '/srv/b' }\n\
        [upstream.app]\nprotocol = 'http'\nendpoints = ['127.0.0.1:2']\n";
}
