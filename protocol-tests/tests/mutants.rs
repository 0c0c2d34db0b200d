//! The kit can fail: a correct FastCGI application passes, and with one fault in it a case catches it.

#![allow(clippy::unwrap_used)] // all of it is tests

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::num::NonZeroUsize;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::thread;
use std::time::Duration;

use bridgehead_conform::known::Known;
use bridgehead_conform::net::Address;
use bridgehead_conform::notation::{File, Level, SideName, Suite, embedded};
use bridgehead_conform::profile::Profile;
use bridgehead_conform::protocol::Protocol;
use bridgehead_conform::run::{Outcome, Plan, Verdict, run};
use bridgehead_conform::side::Server;

/// What is wrong with the application, and the case that must find it.
const FAULTS: [(Fault, &str); 20] = [
    (Fault::NoStdoutEnd, "FS-07"),
    (Fault::ShortEnd, "FS-08"),
    (Fault::EndTwice, "FS-10"),
    (Fault::NeverCloses, "FS-11"),
    (Fault::AlwaysCloses, "FS-12"),
    (Fault::PaddingUnread, "FS-16"),
    (Fault::AnyVersion, "FS-23"),
    (Fault::AnswersAsId1, "FS-06"),
    (Fault::PairsPerRecord, "FS-26"),
    (Fault::NoWideLengths, "FS-28"),
    (Fault::CutsAtNul, "FS-34"),
    (Fault::ShortPairsServed, "FS-36"),
    (Fault::AnyRole, "FS-42"),
    (Fault::SecondRequestIgnored, "FS-45"),
    (Fault::ForeignStdin, "FS-49"),
    (Fault::ForeignParams, "FS-50"),
    (Fault::NoGetValues, "FS-52"),
    (Fault::NoUnknownType, "FS-61"),
    (Fault::RunsAborted, "FS-69"),
    (Fault::WholeStream, "FS-75"),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    NoStdoutEnd,
    ShortEnd,
    EndTwice,
    NeverCloses,
    AlwaysCloses,
    PaddingUnread,
    AnyVersion,
    AnswersAsId1,
    PairsPerRecord,
    NoWideLengths,
    CutsAtNul,
    ShortPairsServed,
    AnyRole,
    SecondRequestIgnored,
    ForeignStdin,
    ForeignParams,
    NoGetValues,
    NoUnknownType,
    RunsAborted,
    WholeStream,
}

#[test]
fn a_correct_application_passes_everything() {
    let outcomes = play(None, &[]);
    let bad: Vec<_> = outcomes
        .iter()
        .filter(|outcome| outcome.verdict.is_bad())
        .map(words)
        .collect();
    assert!(bad.is_empty(), "{}", bad.join("\n"));
    let played = outcomes
        .iter()
        .filter(|outcome| !matches!(outcome.verdict, Verdict::Skip(_)))
        .count();
    assert!(played > 70, "{played}");
}

#[test]
fn every_fault_is_caught() {
    for (fault, case) in FAULTS {
        let outcomes = play(Some(fault), &[case]);
        assert!(
            outcomes.iter().any(|outcome| outcome.verdict.is_bad()),
            "{case} does not catch {fault:?}"
        );
    }
}

fn words(outcome: &Outcome) -> String {
    format!(
        "{}: {} ({})",
        outcome.id,
        outcome.verdict.detail(),
        outcome.observed
    )
}

/// Plays cases against the application with its fault.
fn play(fault: Option<Fault>, only: &[&str]) -> Vec<Outcome> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s");
    serve(&path, fault);
    let files = embedded();
    let profile = files
        .iter()
        .find(|file: &&File| file.path == "profiles/generic.toml")
        .unwrap();
    let profile = Profile::read(profile).unwrap();
    let plan = Plan {
        only: only.iter().map(ToString::to_string).collect(),
        level: Level::RealWorld,
        intrusive: true,
        jobs: NonZeroUsize::new(8).unwrap(),
        limit: Duration::from_secs(2),
        provides: ["env", "echo", "keep", "stderr"].map(str::to_owned).to_vec(),
        known: Known::default(),
    };
    let suite = Suite::read(&files, Protocol::FastCgi, SideName::Server).unwrap();
    let scope = profile.scope(Protocol::FastCgi, &[]);
    run(
        &suite.cases,
        &Server::new(Address::Unix(path), Protocol::FastCgi),
        &scope,
        &plan,
        |_| {},
    )
}

/// Serves in threads that end with the process.
fn serve(path: &Path, fault: Option<Fault>) {
    let listener = UnixListener::bind(path).unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || {
                stream.set_read_timeout(Some(Duration::from_secs(3))).unwrap();
                let _ = Application {
                    stream,
                    fault,
                    active: None,
                }
                .run();
            });
        }
    });
}

/// One connection of the application. `None` from its methods closes it.
struct Application {
    stream: UnixStream,
    fault: Option<Fault>,
    active: Option<Active>,
}

struct Active {
    id: u16,
    keep: bool,
    params: Vec<u8>,
    has_params: bool,
    body: Vec<u8>,
}

type Vars = BTreeMap<Vec<u8>, Vec<u8>>;

impl Application {
    fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    fn run(&mut self) -> Option<()> {
        loop {
            let mut header = [0; 8];
            self.stream.read_exact(&mut header).ok()?;
            let [version, kind, id1, id0, length1, length0, padding, _] = header;
            if version != 1 && !self.has(Fault::AnyVersion) {
                return None;
            }
            let mut content = vec![0; u16::from_be_bytes([length1, length0]).into()];
            self.stream.read_exact(&mut content).ok()?;
            if !self.has(Fault::PaddingUnread) {
                self.stream.read_exact(&mut vec![0; padding.into()]).ok()?;
            }
            match u16::from_be_bytes([id1, id0]) {
                0 => self.management(kind, &content)?,
                id => self.record(kind, id, content)?,
            }
        }
    }

    fn management(&mut self, kind: u8, content: &[u8]) -> Option<()> {
        match kind {
            1..=8 => return None,
            9 if !self.has(Fault::NoGetValues) => {
                let asked = self.pairs(content)?.contains_key(&b"FCGI_MPXS_CONNS"[..]);
                let answer: &[u8] = if asked { b"\x0f\x01FCGI_MPXS_CONNS0" } else { b"" };
                self.send(10, 0, answer)?;
            }
            9..=11 => {}
            _ if self.has(Fault::NoUnknownType) => {}
            _ => self.send(11, 0, &[kind, 0, 0, 0, 0, 0, 0, 0])?,
        }
        Some(())
    }

    fn record(&mut self, kind: u8, id: u16, content: Vec<u8>) -> Option<()> {
        if kind == 1 {
            return self.begin(id, &content);
        }
        let foreign = self.active.as_ref().is_none_or(|active| active.id != id);
        let taken =
            (kind == 5 && self.has(Fault::ForeignStdin)) || (kind == 4 && self.has(Fault::ForeignParams));
        if foreign && !taken {
            return Some(());
        }
        let ends_anyhow = kind == 2 && self.has(Fault::RunsAborted);
        if kind == 4 && self.has(Fault::PairsPerRecord) {
            self.pairs(&content)?;
        }
        let active = self.active.as_mut()?;
        match (kind, active.has_params) {
            (2, _) if !ends_anyhow => return self.end(0),
            (2, _) => return self.answer(),
            (4, false) if content.is_empty() => active.has_params = true,
            (4, false) => active.params.extend(content),
            (5, true) if content.is_empty() => return self.answer(),
            (5, true) => active.body.extend(content),
            (4..=5, _) | (3 | 6..=8, _) => return None,
            _ => {}
        }
        Some(())
    }

    fn begin(&mut self, id: u16, content: &[u8]) -> Option<()> {
        let &[role1, role0, flags, ..] = content else {
            return None;
        };
        if content.len() != 8 {
            return None;
        }
        match &self.active {
            Some(active) if active.id == id => return None,
            Some(_) if self.has(Fault::SecondRequestIgnored) => return Some(()),
            Some(_) => return self.send(3, id, &[0, 0, 0, 0, 1, 0, 0, 0]),
            None => {}
        }
        let keep = flags & 1 == 1;
        if (role1, role0) != (0, 1) && !self.has(Fault::AnyRole) {
            self.send(3, id, &[0, 0, 0, 0, 3, 0, 0, 0])?;
            return keep.then_some(());
        }
        self.active = Some(Active {
            id,
            keep,
            params: Vec::new(),
            has_params: false,
            body: Vec::new(),
        });
        Some(())
    }

    fn answer(&mut self) -> Option<()> {
        let active = self.active.as_mut()?;
        let (params, mut body) = (
            std::mem::take(&mut active.params),
            std::mem::take(&mut active.body),
        );
        let vars = self.pairs(&params)?;
        let length = vars
            .get(&b"CONTENT_LENGTH"[..])
            .map(|text| String::from_utf8_lossy(text).parse::<usize>());
        let whole = match length {
            None => true,
            Some(Ok(length)) => {
                let whole = body.len() >= length;
                if !self.has(Fault::WholeStream) {
                    body.truncate(length);
                }
                whole
            }
            Some(Err(_)) => false,
        };
        let path = vars.get(&b"PATH_INFO"[..]).map(Vec::as_slice).unwrap_or_default();
        let output = match path {
            _ if !whole => b"Status: 400 Bad\r\n\r\n".to_vec(),
            b"/echo" => [b"Content-Type: text/plain\r\n\r\n", &body[..]].concat(),
            b"/stderr" => b"Content-Type: text/plain\r\n\r\nlogged\n".to_vec(),
            _ => [b"Content-Type: application/json\r\n\r\n", &json(&vars)[..]].concat(),
        };
        let id = self.active.as_ref()?.id;
        if path == b"/stderr" {
            self.send(7, id, b"stderr line 2\n")?;
        }
        for piece in output.chunks(65535) {
            self.send(6, id, piece)?;
        }
        if !self.has(Fault::NoStdoutEnd) {
            self.send(6, id, b"")?;
        }
        self.end(0)
    }

    fn end(&mut self, status: u8) -> Option<()> {
        let active = self.active.take()?;
        let content = [0, 0, 0, status, 0, 0, 0, 0];
        let length = if self.has(Fault::ShortEnd) { 4 } else { 8 };
        self.send(3, active.id, &content[..length])?;
        if self.has(Fault::EndTwice) {
            self.send(3, active.id, &content)?;
        }
        let keep = (active.keep || self.has(Fault::NeverCloses)) && !self.has(Fault::AlwaysCloses);
        keep.then_some(())
    }

    fn send(&mut self, kind: u8, id: u16, content: &[u8]) -> Option<()> {
        let id = if self.has(Fault::AnswersAsId1) && id > 0 {
            1
        } else {
            id
        };
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        let header = [
            1,
            kind,
            id.to_be_bytes()[0],
            id.to_be_bytes()[1],
            length[0],
            length[1],
            0,
            0,
        ];
        self.stream.write_all(&[&header, content].concat()).ok()
    }

    fn pairs(&self, mut bytes: &[u8]) -> Option<Vars> {
        let mut vars = Vars::new();
        while !bytes.is_empty() {
            let Some((name, mut value, rest)) = self.pair(bytes) else {
                return self.has(Fault::ShortPairsServed).then_some(vars);
            };
            if self.has(Fault::CutsAtNul) {
                value.truncate(value.iter().position(|byte| *byte == 0).unwrap_or(value.len()));
            }
            vars.insert(name, value);
            bytes = rest;
        }
        Some(vars)
    }

    fn pair<'b>(&self, bytes: &'b [u8]) -> Option<(Vec<u8>, Vec<u8>, &'b [u8])> {
        let (name_length, rest) = self.length(bytes)?;
        let (value_length, rest) = self.length(rest)?;
        let (name, rest) = rest.split_at_checked(name_length)?;
        let (value, rest) = rest.split_at_checked(value_length)?;
        Some((name.to_vec(), value.to_vec(), rest))
    }

    fn length<'b>(&self, bytes: &'b [u8]) -> Option<(usize, &'b [u8])> {
        match *bytes.first()? {
            short if short < 128 || self.has(Fault::NoWideLengths) => Some((short.into(), &bytes[1..])),
            _ => {
                let (four, rest) = bytes.split_first_chunk::<4>()?;
                Some(((u32::from_be_bytes(*four) & 0x7fff_ffff) as usize, rest))
            }
        }
    }
}

fn json(vars: &Vars) -> Vec<u8> {
    let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
    let vars: BTreeMap<String, String> = vars
        .iter()
        .map(|(name, value)| (text(name), text(value)))
        .collect();
    serde_json::to_vec(&vars).unwrap()
}
