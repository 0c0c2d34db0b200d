//! All cases of a protocol and side.

use std::fs;
use std::io;
use std::path::Path;

use super::{Case, Complaint, Node, SideName, Source, Table};
use crate::content::Content;
use crate::protocol::Protocol;

/// Cases in the order of their ids.
#[derive(Clone, Debug, Default)]
pub struct Suite {
    /// At least one, unless there are no files.
    pub cases: Vec<Case>,
}

/// A file of the kit: its path below the kit's directory, with `/`, and its text.
#[derive(Clone, Debug)]
pub struct File {
    /// For instance `cases/fastcgi/server/framing.toml`.
    pub path: String,
    /// All of it.
    pub text: String,
}

impl Suite {
    /// Reads the cases in `files` that belong to the protocol and side. To a front end belong those about HTTP,
    /// whatever it speaks to its application.
    ///
    /// # Errors
    ///
    /// Every complaint that there is, at most one for each case.
    pub fn read(files: &[File], protocol: Protocol, side: SideName) -> Result<Self, Vec<Complaint>> {
        let mut suite = Self::default();
        let mut complaints = Vec::new();
        let mut place = Place {
            directory: protocol,
            side,
            protocol,
        };
        suite.read_directory(files, place, &mut complaints);
        if side == SideName::Frontend && protocol != Protocol::Http {
            place.directory = Protocol::Http;
            suite.read_directory(files, place, &mut complaints);
        }
        complaints.extend(suite.duplicates());
        suite.cases.sort_by(|a, b| a.id.cmp(&b.id));
        if complaints.is_empty() {
            Ok(suite)
        } else {
            Err(complaints)
        }
    }

    fn read_directory(&mut self, files: &[File], place: Place, complaints: &mut Vec<Complaint>) {
        let directory = format!("cases/{}/{}/", place.directory, place.side.name());
        let ours = || files.iter().filter(|file| file.path.starts_with(&directory));
        let shared = ours().find(|file| file.path.ends_with("/define.toml"));
        let shared = shared
            .map_or(Ok(Vec::new()), read_shared)
            .unwrap_or_else(|complaint| {
                complaints.push(complaint);
                Vec::new()
            });
        for file in ours().filter(|file| !file.path.ends_with("/define.toml")) {
            self.read_file(file, &shared, place, complaints);
        }
    }

    /// Reads the cases of one file that is not of the kit, wherever it lies.
    ///
    /// # Errors
    ///
    /// Every complaint that there is, at most one for each case.
    pub fn read_alone(file: &File, protocol: Protocol, side: SideName) -> Result<Self, Vec<Complaint>> {
        let mut suite = Self::default();
        let mut complaints = Vec::new();
        let place = Place {
            directory: protocol,
            side,
            protocol,
        };
        suite.read_file(file, &[], place, &mut complaints);
        complaints.extend(suite.duplicates());
        if complaints.is_empty() {
            Ok(suite)
        } else {
            Err(complaints)
        }
    }

    fn read_file(
        &mut self,
        file: &File,
        shared: &[(String, Content)],
        place: Place,
        complaints: &mut Vec<Complaint>,
    ) {
        let source = Source {
            defined: shared,
            ..Source::new(&file.path, &file.text)
        };
        let document = match source.parse() {
            Ok(document) => document,
            Err(complaint) => return complaints.push(complaint),
        };
        let mut table = Table::new(document.get_ref(), document.span(), source);
        let defined = match read_head(&mut table, shared, place) {
            Ok(Some(defined)) => defined,
            Ok(None) => return,
            Err(complaint) => return complaints.push(complaint),
        };
        let source = Source {
            defined: &defined,
            ..source
        };
        let cases = document
            .get_ref()
            .get("case")
            .and_then(|cases| cases.get_ref().as_array());
        for case in cases.into_iter().flatten() {
            match Case::read(case, source) {
                Ok(case) => self.cases.push(case),
                Err(complaint) => complaints.push(complaint),
            }
        }
    }

    fn duplicates(&self) -> Option<Complaint> {
        let mut ids: Vec<_> = self.cases.iter().map(|case| &case.id).collect();
        ids.sort();
        let twice = ids.windows(2).find(|pair| pair[0] == pair[1])?;
        let place = &self.cases.iter().rfind(|case| &case.id == twice[0])?.place;
        Some(Complaint::new(
            place,
            "",
            &(0..0),
            format!("{} is there twice", twice[0]),
        ))
    }
}

/// Where a file lies, and for whom it is read.
#[derive(Clone, Copy)]
struct Place {
    directory: Protocol,
    side: SideName,
    /// What is spoken with the application.
    protocol: Protocol,
}

/// Checks what stands before the cases, and gives the definitions; `None` when they are not for this protocol.
fn read_head(
    table: &mut Table<'_>,
    shared: &[(String, Content)],
    place: Place,
) -> Result<Option<Vec<(String, Content)>>, Complaint> {
    table.need("protocol")?.one_of(&[(place.directory.name(), ())])?;
    table.need("side")?.one_of(&[(place.side.name(), ())])?;
    let protocols = table
        .take("protocols")
        .map(|node| read_protocols(&node))
        .transpose()?;
    table.need("case")?;
    let mut defined = shared.to_vec();
    if let Some(node) = table.take("define") {
        defined.extend(read_defined(&node)?);
    }
    table.finish()?;
    let wanted = protocols.is_none_or(|protocols| protocols.contains(&place.protocol));
    Ok(wanted.then_some(defined))
}

fn read_protocols(node: &Node<'_>) -> Result<Vec<Protocol>, Complaint> {
    let names = Protocol::ALL.map(|protocol| (protocol.name(), protocol));
    node.items()?.iter().map(|item| item.one_of(&names)).collect()
}

fn read_shared(file: &File) -> Result<Vec<(String, Content)>, Complaint> {
    let source = Source::new(&file.path, &file.text);
    let document = source.parse()?;
    let mut table = Table::new(document.get_ref(), document.span(), source);
    let defined = read_defined(&table.need("define")?)?;
    table.finish()?;
    Ok(defined)
}

fn read_defined(node: &Node<'_>) -> Result<Vec<(String, Content)>, Complaint> {
    let entries = node.entries()?;
    entries
        .into_iter()
        .map(|(name, node)| Ok((name, Content::read(&node)?)))
        .collect()
}

/// The cases, profiles and expectations that the program was built with.
pub fn embedded() -> Vec<File> {
    let file = |(path, text): &(&str, &str)| File {
        path: (*path).to_owned(),
        text: (*text).to_owned(),
    };
    EMBEDDED.iter().map(file).collect()
}

/// The same from a directory that has `cases`, `profiles` and `expectations` in it.
///
/// # Errors
///
/// When a file cannot be read.
pub fn files_in(root: &Path) -> io::Result<Vec<File>> {
    let mut files = Vec::new();
    let mut open = vec![
        root.join("cases"),
        root.join("profiles"),
        root.join("expectations"),
    ];
    while let Some(directory) = open.pop().filter(|directory| directory.exists()) {
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "toml") {
                let name = path.strip_prefix(root).unwrap_or(&path);
                files.push(File {
                    path: name.display().to_string(),
                    text: fs::read_to_string(&path)?,
                });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));
