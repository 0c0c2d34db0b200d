//! The reference page of the configuration: every table, every key.

use std::fmt::Write;

use super::layout::{Default, Form, Key, Layout};
use super::suggest;
use super::table::Table;
use super::tables::{self, File};

/// The page, in Markdown.
pub fn reference() -> String {
    let mut page = HEAD.to_owned();
    for key in File::layout().keys {
        match key.form {
            Form::Table(layout) | Form::Switch(layout) => {
                section(&format!("[{}]", key.name), &layout, 2, &mut page)
            }
            Form::Tables(layout) => section(&format!("[[{}]]", key.name), &layout, 2, &mut page),
            Form::Named(layout) => {
                section(&format!("[{}.NAME]", key.name), &layout, 2, &mut page);
                if layout.name == PROFILED {
                    profiles(&mut page);
                }
            }
            Form::Value { .. } => page.push_str(&format!("\n## `{}`\n\n{}\n", key.name, sentence(&key))),
        }
    }
    page
}

/// What a key of the top level says that is no table.
fn sentence(key: &Key) -> String {
    match &key.default {
        Some(Default::Words(words)) => format!("{} Default: {words}.", key.doc),
        _ => key.doc.clone(),
    }
}

/// A table with its keys, and the tables in it.
fn section(name: &str, layout: &Layout, level: usize, page: &mut String) {
    let head = format!("\n{} `{name}`\n\n{}\n\n", "#".repeat(level), layout.doc);
    page.push_str(&head);
    if !layout.example.is_empty() {
        page.push_str(&format!("```toml\n{}```\n\n", layout.example));
    }
    page.push_str(COLUMNS);
    for key in &layout.keys {
        page.push_str(&row(name, key));
    }
    for key in &layout.keys {
        let name = format!("{name} {}", key.name);
        match &key.form {
            Form::Table(layout) | Form::Switch(layout) | Form::Tables(layout) => {
                section(&name, layout, level + 1, page)
            }
            Form::Named(layout) => section(&format!("{name}.NAME"), layout, level + 1, page),
            Form::Value { .. } => {}
        }
    }
}

/// The line of a key of the table `name`.
fn row(name: &str, key: &Key) -> String {
    let link = anchor(&format!("{name} {}", key.name));
    let form = match &key.form {
        Form::Value { words, .. } => words.clone(),
        Form::Table(_) => format!("[table](#{link})"),
        Form::Switch(_) => format!("`true`, `false` or a [table](#{link})"),
        Form::Tables(_) => format!("[array of tables](#{link})"),
        Form::Named(_) => format!("[tables with names](#{link}name)"),
    };
    let default = match &key.default {
        Some(Default::Value(value)) => format!("`{value}`"),
        Some(Default::Words(words)) => words.clone(),
        Some(Default::Required) => "required".to_owned(),
        None => String::new(),
    };
    let only = match key.only {
        [] => String::new(),
        words => format!(" For {} only.", suggest::list(words.iter().copied())),
    };
    let cells = [
        format!("`{}`", key.name),
        form,
        default,
        format!("{}{only}", key.doc),
    ];
    let cells = cells.map(|cell| cell.replace('|', "\\|"));
    format!("| {} |\n", cells.join(" | "))
}

/// What GitHub and others make of a heading, to link to.
fn anchor(heading: &str) -> String {
    let kept = |c: &char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '-' | '_');
    heading
        .chars()
        .filter(kept)
        .map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() })
        .collect()
}

/// What profiles change.
fn profiles(page: &mut String) {
    page.push_str(
        "\n### Defaults that depend on the `profile`\n\n| profile | protocols | defaults |\n|---|---|---|\n",
    );
    for (profile, protocols, changed) in tables::profiles() {
        let changed: Vec<String> = changed
            .iter()
            .map(|(key, value)| format!("`{key} = {value}`"))
            .collect();
        let changed = match changed.is_empty() {
            true => "as above".to_owned(),
            false => changed.join(", "),
        };
        writeln!(page, "| `{profile}` | {} | {changed} |", protocols.join(", "))
            .expect("writing to a String cannot fail");
    }
}

/// The table whose defaults depend on a profile.
const PROFILED: &str = "Upstream";

const COLUMNS: &str = "| key | value | default | meaning |\n|---|---|---|---|\n";

const HEAD: &str = "\
# Configuration

<!-- Made from the declarations in src/config/tables by `bridgehead check --reference > docs/configuration.md`. -->

One TOML file says everything: `bridgehead serve -c FILE`. Without `-c` it is `./bridgehead.toml` or, if there is none,
`/etc/bridgehead/bridgehead.toml`. `bridgehead check -c FILE` looks for mistakes, and with `--print` shows every setting
in effect, secrets aside; `bridgehead check --schema` prints a JSON Schema for editors. A key that is not on this page
is a mistake. Complete files to start from: [examples/configs](../examples/configs).

* A *duration* is a string of whole numbers with `ms`, `s`, `m`, `h` or `d`: `\"500ms\"`, `\"30s\"`, `\"1m30s\"`; at most
  a year.
* A *size* is a number of bytes, or a string with `B`, `KiB`, `MiB`, `GiB` or `TiB`: `512`, `\"64KiB\"`.
* A *number* is whole, and may be written as a string: `\"${WORKERS}\"`.
* An *address* is `\"127.0.0.1:8080\"`, `\"[::1]:8080\"` or `\"unix:/run/app.sock\"`.
* In every string `${NAME}` is replaced by the environment variable `NAME`, which has to be set, and
  `${file:/run/secrets/NAME}` by what that file holds, without the end of its last line. `$${` stands for `${`.
* A *table* is written with a head of its own or in one line: `timeouts = { head = \"15s\" }`.
";
