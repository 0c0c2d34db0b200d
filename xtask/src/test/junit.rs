//! The report that cargo-nextest writes: JUnit, in as much of XML as it uses.

use super::libtest::Output;

/// The tests of one program.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Suite {
    /// `package`, `package::test` or `package::bin/program`.
    pub(super) binary: String,
    /// Its results.
    pub(super) output: Output,
}

/// Reads a report.
pub(super) fn read(report: &str) -> Vec<Suite> {
    let mut suites: Vec<Suite> = Vec::new();
    let mut test: Option<(String, bool)> = None;
    // Text holds no `<`: it is escaped.
    for tag in report.split('<').skip(1) {
        let word = tag.split([' ', '>', '/', '\n']).next().unwrap_or_default();
        let is_closed = tag.split('>').next().is_some_and(|tag| tag.ends_with('/'));
        match (word, &mut test) {
            ("testsuite", _) => suites.push(Suite {
                binary: attribute(tag, "name"),
                output: Output::default(),
            }),
            ("testcase", _) => test = Some((attribute(tag, "name"), false)),
            ("failure" | "error", Some((_, failed))) => *failed = true,
            _ => {}
        }
        let ends = tag.starts_with("/testcase") || (word == "testcase" && is_closed);
        if let (true, Some((name, failed)), Some(suite)) = (ends, test.take_if(|_| ends), suites.last_mut()) {
            match failed {
                true => suite.output.failed.push(name),
                false => suite.output.passed += 1,
            }
        }
    }
    suites
}

fn attribute(tag: &str, name: &str) -> String {
    let value = tag.split_once(&format!(" {name}=\"")).map(|(_, rest)| rest);
    let value = value.and_then(|rest| rest.split('"').next()).unwrap_or_default();
    value
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_and_crashes_have_their_names_and_the_rest_is_counted() {
        let report = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="nextest-run" tests="4" failures="1" errors="1" time="1.0">
    <testsuite name="bridgehead" tests="1" disabled="0" errors="0" failures="0">
        <testcase name="a::b" classname="bridgehead" timestamp="x" time="0.1">
        </testcase>
    </testsuite>
    <testsuite name="bridgehead::gateway" tests="3" disabled="0" errors="1" failures="1">
        <testcase name="c" classname="bridgehead::gateway" time="0.1"/>
        <testcase name="d" classname="bridgehead::gateway" time="0.1">
            <failure message="assertion &lt;x&gt;" type="test failure">what</failure>
            <system-out>&lt;testcase name=&quot;no&quot;&gt;</system-out>
        </testcase>
        <testcase name="e" classname="bridgehead::gateway" time="0.1">
            <error type="test abort"/>
        </testcase>
    </testsuite>
</testsuites>"#;
        let suites = read(report);
        let seen = |suite: &Suite| {
            (
                suite.binary.clone(),
                suite.output.passed,
                suite.output.failed.join(" "),
            )
        };
        assert_eq!(
            suites.iter().map(seen).collect::<Vec<_>>(),
            [
                ("bridgehead".to_owned(), 1, String::new()),
                ("bridgehead::gateway".to_owned(), 1, "d e".to_owned()),
            ]
        );
    }
}
