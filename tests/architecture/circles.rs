//! No files use each other in a circle; the wings of `upstream` use those before them.

use super::graph::Graph;
use super::sources::sources;

/// The wings of `upstream`, in the order in which they may use each other.
const WINGS: &[&str] = &["model", "select", "admit", "wire", "answer", "attempt", "care"];

fn graph() -> Graph {
    Graph::of(sources(&testbed::workspace().join("src")))
}

#[test]
fn no_files_use_each_other_in_a_circle() {
    let circles = graph().circles();
    assert!(circles.is_empty(), "\n{}", circles.join("\n"));
}

#[test]
fn the_wings_of_upstream_use_only_those_before_them() {
    let graph = graph();
    let place = |file: &str| {
        let wing = file.strip_prefix("upstream/")?.split('/').next()?;
        WINGS
            .iter()
            .position(|name| *name == wing.trim_end_matches(".rs"))
    };
    let backwards = graph.edges().filter(|(from, to)| match (place(from), place(to)) {
        (Some(from), Some(to)) => to > from,
        _ => false,
    });
    let backwards: Vec<_> = backwards.map(|(from, to)| format!("{from} -> {to}")).collect();
    assert!(backwards.is_empty(), "\n{}", backwards.join("\n"));
    assert!(
        graph
            .edges()
            .any(|(from, to)| place(from) > place(to) && place(to).is_some())
    );
}
