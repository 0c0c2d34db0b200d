//! Replays what real servers sent, cut at every place.
//!
//! Every file under `fixtures/wire` holds the bytes of one connection and what a decoder must see in them.
//! The received side runs through the gateway's decoder, the sent side through the application's.

mod application;
mod fixture;
mod gateway;

use std::path::{Path, PathBuf};

use fixture::{Fixture, Wire};

#[test]
fn gateway_sees_the_same_answer_at_every_cut() {
    for fixture in fixtures() {
        gateway::check(&fixture);
    }
}

#[test]
fn application_sees_the_same_request_at_every_cut() {
    for fixture in fixtures() {
        application::check(&fixture);
    }
}

/// Every capture of a protocol that has a codec here.
fn fixtures() -> Vec<Fixture> {
    let root = testbed::workspace().join("fixtures/wire");
    let mut files = Vec::new();
    collect(&root, &mut files);
    files.sort();
    let all: Vec<_> = files
        .iter()
        .filter_map(|path| Some((path, Wire::of(path)?)))
        .map(|(path, wire)| Fixture::read(path, wire))
        .collect();
    assert!(!all.is_empty(), "no captures in {}", root.display());
    all
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in folder.read_dir().expect("a folder of captures") {
        let path = entry.expect("an entry").path();
        match path.extension() {
            _ if path.is_dir() => collect(&path, files),
            Some(extension) if extension == "txt" => files.push(path),
            _ => {}
        }
    }
}

/// Ways to cut `length` bytes into pieces: every step size, then every two-way split; of long captures a
/// sample that has all the small sizes, and cuts around both ends.
fn cuts(length: usize) -> impl Iterator<Item = Vec<usize>> {
    const ALL: usize = 2_000;
    let short = move |at: &usize| length <= ALL || *at <= 40 || at.is_multiple_of(8_191);
    let near_an_end = move |at: &usize| length <= ALL || *at <= 300 || length - *at <= 100;
    let steps = (1..=length.max(1)).filter(short).map(move |step| {
        let pieces = (0..length).step_by(step).map(|start| step.min(length - start));
        pieces.collect()
    });
    let splits = (1..length)
        .filter(near_an_end)
        .map(move |at| vec![at, length - at]);
    steps.chain(splits)
}
