//! `include`: other files, whose tables are added to those of the first one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::at::At;
use super::complaints::Complaints;
use super::document;
use super::env::Lookup;
use super::node::{Node, Table, Value};
use super::suggest;

/// Reads the files that `document` includes, by paths that are relative to `directory`, and adds what they say.
pub(super) fn include(document: &mut Table, directory: &Path, env: &Lookup<'_>, complaints: &mut Complaints) {
    for pattern in patterns(document, complaints) {
        let files = match files(&directory.join(pattern.as_str())) {
            Ok(files) => files,
            Err(error) => {
                complaints.error(
                    pattern.span(),
                    format!("cannot read `{}`: {error}", pattern.as_str()),
                );
                continue;
            }
        };
        for file in files {
            read(&file, &pattern, document, env, complaints);
        }
    }
}

/// What is to be included.
fn patterns(document: &Table, complaints: &mut Complaints) -> Vec<At<String>> {
    let Some(node) = document.get(KEY) else {
        return Vec::new();
    };
    let items = match &node.value {
        Value::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    let text = |item: &Node| {
        let text = item.text("the path of a file", complaints)?.to_owned();
        Some(At::new(item.span.clone(), text))
    };
    items.iter().filter_map(text).collect()
}

fn read(
    file: &Path,
    pattern: &At<String>,
    document: &mut Table,
    env: &Lookup<'_>,
    complaints: &mut Complaints,
) {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) => {
            complaints.error(pattern.span(), format!("cannot read {}: {error}", file.display()));
            return;
        }
    };
    let start = complaints.append(&file.to_string_lossy(), &text);
    let included = document::read(&text, start, env, complaints);
    if let Some(nested) = included.get(KEY) {
        complaints
            .error(nested.span.clone(), "an included file includes no other")
            .help("write the path in the first file");
    }
    for (key, node) in included.entries {
        add(document, key, node, complaints);
    }
}

/// Adds a table of the top level. Those that there are any number of add up; of the others there is one.
fn add(document: &mut Table, key: At<String>, node: Node, complaints: &mut Complaints) {
    let known = document.entries.iter_mut().find(|(known, _)| *known == key);
    let Some((_, known)) = known else {
        if *key != KEY {
            document.entries.push((key, node));
        }
        return;
    };
    match (&mut known.value, node.value) {
        (Value::List(known), Value::List(more)) => known.extend(more),
        (Value::Table(known), Value::Table(more)) if NAMED.contains(&key.as_str()) => {
            known_names(known, more, complaints);
        }
        _ if *key == KEY => {}
        _ => {
            let several = NAMED.iter().copied().chain(["listen", "route"]);
            complaints
                .error(key.span(), format!("there is `{}` already", key.as_str()))
                .related(known.span.clone(), "here")
                .help(format!(
                    "files add to {}; all else is in one of them",
                    suggest::list(several)
                ));
        }
    }
}

/// Adds tables with names.
fn known_names(known: &mut Table, more: Table, complaints: &mut Complaints) {
    for (name, node) in more.entries {
        match known.entries.iter().find(|(other, _)| *other == name) {
            Some((other, _)) => {
                complaints
                    .error(name.span(), format!("there is `{}` already", name.as_str()))
                    .related(other.span(), "here");
            }
            None => known.entries.push((name, node)),
        }
    }
}

/// The files that a path names: `*` in its last part stands for any text without a dot in front, in the order of their
/// names. Without a `*` it names one.
fn files(pattern: &Path) -> io::Result<Vec<PathBuf>> {
    let name = pattern
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    if !name.contains('*') {
        return Ok(vec![pattern.to_owned()]);
    }
    let directory = pattern.parent().unwrap_or(Path::new("."));
    let mut files = Vec::new();
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        // None are there so far.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(files),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?.file_name();
        let other = entry.to_string_lossy();
        if !other.starts_with('.') && matches(&name, &other) {
            files.push(directory.join(&entry));
        }
    }
    files.sort();
    Ok(files)
}

/// Whether a name is as a pattern with `*` says.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(name) = name.strip_prefix(start) else {
        return false;
    };
    let ends = name.char_indices().map(|(at, _)| at).chain([name.len()]);
    ends.into_iter().any(|at| matches(rest, &name[at..]))
}

/// The key of the paths.
const KEY: &str = "include";

/// Keys that hold tables with names.
const NAMED: [&str; 4] = ["snippet", "upstream", "app", "limit"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{self, Config, Failure};

    fn load(files: &[(&str, &str)]) -> Result<Config, String> {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        match config::load(&dir.path().join("main.toml"), &|_| None) {
            Ok((config, _)) => Ok(config),
            Err(Failure::Invalid(found)) => {
                let text: String = found.iter().map(|found| found.render(false)).collect();
                Err(text.replace(&format!("{}/", dir.path().display()), ""))
            }
            Err(error) => panic!("{error}"),
        }
    }

    const MAIN: &str = "include = [\"sites/*.toml\"]\n[[listen]]\naddress = \"127.0.0.1:1\"\n";

    #[test]
    fn files_add_routes_upstreams_and_snippets_in_the_order_of_their_names() {
        let config = load(&[
            ("main.toml", MAIN),
            (
                "sites/b.toml",
                "[[route]]\npath = \"/b\"\nuse = \"plain\"\n[snippet.plain]\nrespond = { body = \"b\" }\n",
            ),
            (
                "sites/a.toml",
                "[[route]]\nproxy = { upstream = \"a\" }\n[upstream.a]\nprotocol = \"http\"\nendpoints = [\"127.0.0.1:2\"]\n",
            ),
            ("sites/.hidden.toml", "no TOML"),
            ("sites/c.conf", "no TOML"),
        ]);
        let config = config.unwrap();
        let paths: Vec<_> = config
            .frontend
            .routes
            .iter()
            .map(|route| route.path.to_text())
            .collect();
        assert_eq!(
            (paths, config.upstreams.len()),
            (vec!["/".into(), "/b".into()], 1)
        );
    }

    #[test]
    fn a_mistake_is_shown_in_the_file_that_has_it() {
        let said = load(&[
            ("main.toml", &format!("{MAIN}[log]\nlevel = \"info\"\n")),
            (
                "sites/a.toml",
                "[[route]]\npath = \"b\"\nrespond = {}\n[log]\nlevel = \"debug\"\n",
            ),
        ]);
        let said = said.unwrap_err();
        for line in ["--> sites/a.toml:2:8", "--> sites/a.toml:4:2", "main.toml:4:1"] {
            assert!(said.contains(line), "{line}: {said}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_named_at_the_path_that_says_so() {
        let said = load(&[("main.toml", &MAIN.replace("sites/*.toml", "none.toml"))]).unwrap_err();
        assert!(said.contains("none.toml: No such file"), "{said}");
        assert!(said.contains("--> main.toml:1:12"), "{said}");
        let said = load(&[("main.toml", MAIN), ("sites/a.toml", "include = \"b.toml\"\n")]).unwrap_err();
        assert!(said.contains("an included file includes no other"), "{said}");
    }

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, name, matching) in [
            ("*.toml", "a.toml", true),
            ("*", "a", true),
            ("a*b*c", "aXbYc", true),
            ("a*b", "ab", true),
            ("*.toml", "a.tom", false),
            ("a*b", "a", false),
        ] {
            assert_eq!(matches(pattern, name), matching, "{pattern} {name}");
        }
    }
}
