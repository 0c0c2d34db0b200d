//! A table of every kind of key, there and back.

use std::sync::Arc;
use std::time::Duration;

use super::{Fill, Repeated, Section, Table};
use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::document;
use crate::config::layout::{Default as Usual, Form};
use crate::config::source::Source;
use crate::config::units::{DEADLINE, Flag, Number, Plain};

#[derive(Debug, PartialEq)]
struct Settings {
    limit: usize,
    name: Option<String>,
    nested: Inner,
}

#[derive(Debug, Default, PartialEq)]
struct Inner {
    wait: Duration,
    deep: bool,
}

table! {
    /// A table
    /// of two lines.
    struct Outer for Settings {
        /// A limit.
        limit: usize as Number(1, 9),
        /// A name. Default: none at all.
        name: String as Plain,
        r#use: InnerTable as Section => nested,
        /// A flag.
        deep: bool as Flag => nested.deep; only &["x"],
        /// By hand. Required.
        more: Vec<At<InnerTable>> as Repeated => _,
    }
    usual = usual;
}

table! {
    /// What is inside.
    struct InnerTable for Inner {
        /// A wait.
        wait: Duration as DEADLINE => wait,
    }
}

fn usual() -> Settings {
    Settings {
        limit: 3,
        name: None,
        nested: Inner::default(),
    }
}

/// What is read, and what is complained about.
fn read(text: &str) -> (Outer, Vec<String>) {
    let source = Source::new("text", text);
    let mut complaints = Complaints::new(Arc::new(source));
    let document = document::read(text, 0, &|_| None, &mut complaints);
    let outer = Outer::read(&document, &mut complaints);
    let found = complaints.into_vec();
    (
        outer,
        found.iter().map(|found| found.message().to_owned()).collect(),
    )
}

#[test]
fn typed_keys_go_to_their_places_and_the_others_stay() {
    let (outer, complaints) = read("name = 'n'\ndeep = true\nuse = { wait = '2s' }");
    let mut settings = usual();
    outer.fill(&mut settings);
    let nested = Inner {
        wait: Duration::from_secs(2),
        deep: true,
    };
    let expected = Settings {
        limit: 3,
        name: Some("n".to_owned()),
        nested,
    };
    assert_eq!((settings, complaints), (expected, vec![]));
}

#[test]
fn what_is_shown_reads_as_the_same_settings() {
    let settings = Settings {
        limit: 7,
        name: Some("${x}".to_owned()),
        nested: Inner {
            wait: Duration::from_secs(90),
            deep: true,
        },
    };
    let shown = Outer::of(&settings).unwrap().show();
    let lines: Vec<String> = shown
        .iter()
        .map(|(key, value)| format!("{key} = {value}"))
        .collect();
    let expected = [
        "limit = 7",
        "name = \"$${x}\"",
        "use = { wait = \"90s\" }",
        "deep = true",
    ];
    assert_eq!(lines, expected);
    let mut again = usual();
    read(&lines.join("\n")).0.fill(&mut again);
    assert_eq!(again, settings);
}

#[test]
fn arrays_of_tables_are_shown_on_one_line_inside_of_tables() {
    let (outer, _) = read("[[more]]\nwait = '1s'\n[[more]]\nwait = '2s'");
    let (key, value) = outer.show().pop().unwrap();
    let line = format!("{key} = {value}");
    assert_eq!(line, "more = [{ wait = \"1s\" }, { wait = \"2s\" }]");
    assert_eq!(read(&line).0.show(), outer.show());
}

#[test]
fn unknown_keys_and_wrong_values_are_complained_about_together() {
    let (_, complaints) = read("limit = 10\nnmae = 'n'\nuse = { wiat = '1s', wait = '0s' }\nmore = [1]");
    let expected = [
        "expected a whole number from 1 to 9, found `10`",
        "unknown key `nmae`",
        "unknown key `wiat`",
        "a deadline of zero would be missed every time",
        "expected a table, found integer `1`",
    ];
    assert_eq!(complaints, expected);
}

#[test]
fn keys_of_another_kind_are_taken_out_with_their_places() {
    let (mut outer, _) = read("limit = 1\ndeep = true");
    assert_eq!(outer.leave_out("x"), []);
    assert_eq!(outer.leave_out("y"), [("deep", 17..21)]);
    assert!(outer.deep.is_none() && outer.limit.is_some());
}

#[test]
fn the_layout_says_what_is_declared() {
    let layout = Outer::layout();
    assert_eq!((layout.name, layout.doc), ("Outer", "A table of two lines."));
    let names: Vec<_> = layout.keys.iter().map(|key| key.name).collect();
    assert_eq!(names, ["limit", "name", "use", "deep", "more"]);
    let [limit, name, inner, deep, more] = layout.keys.as_slice() else {
        panic!("five keys");
    };
    assert!(matches!(&limit.default, Some(Usual::Value(three)) if three == "3"));
    assert!(matches!(&name.default, Some(Usual::Words(words)) if words == "none at all"));
    assert_eq!(
        (name.doc.as_str(), inner.doc.as_str()),
        ("A name.", "What is inside.")
    );
    assert!(matches!(inner.form, Form::Table(_)) && inner.default.is_none());
    assert_eq!(deep.only, ["x"]);
    assert!(matches!(more.default, Some(Usual::Required)));
}
