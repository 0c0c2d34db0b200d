//! `bridgehead-conform decode`: a file of traffic in words.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::capture::{self, Item};
use crate::decode::{Conversation, Remark};
use crate::protocol::Protocol;
use crate::trace::{Entry, Event, Origin};

/// Print a trace, a capture (pcap, pcapng), or raw bytes as records in words.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The file; `-` is standard input.
    file: PathBuf,
    /// What is spoken: fastcgi, uwsgi, scgi or http. Without it the trace says so, or it is guessed.
    #[arg(long)]
    protocol: Option<Protocol>,
    /// Who sent raw bytes: client or server. Without it that is guessed.
    #[arg(long, value_parser = origin)]
    from: Option<Origin>,
    /// Only this connection.
    #[arg(long)]
    connection: Option<u32>,
    /// Only what is irregular.
    #[arg(long)]
    faults: bool,
}

/// What is printed, and what is known of the connections.
struct Teller<'a, W> {
    out: W,
    args: &'a Args,
    protocol: Option<Protocol>,
    conversations: BTreeMap<u32, Conversation>,
    faults: u64,
    /// Nobody reads on.
    broken: Option<io::Error>,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let mut teller = Teller {
        out: BufWriter::new(io::stdout().lock()),
        args,
        protocol: args.protocol,
        conversations: BTreeMap::new(),
        faults: 0,
        broken: None,
    };
    let result = capture::read(open(&args.file)?, args.from, args.protocol, &mut |item| {
        teller.hear(item);
    });
    teller.finish()?;
    result.with_context(|| args.file.display().to_string())?;
    Ok(ExitCode::SUCCESS)
}

/// A file, or standard input.
pub(super) fn open(path: &PathBuf) -> Result<Box<dyn Read + Send>> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(io::stdin()));
    }
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    Ok(Box::new(file))
}

/// `client` or `server`.
pub(super) fn origin(name: &str) -> Result<Origin, String> {
    let found = [Origin::Client, Origin::Server]
        .into_iter()
        .find(|origin| origin.name() == name);
    found.ok_or_else(|| "write client or server".to_owned())
}

impl<W: Write> Teller<'_, W> {
    fn hear(&mut self, item: Item) {
        match item {
            Item::Header(header) => self.protocol = self.protocol.or(header.protocol),
            Item::Entry(entry) => self.hear_entry(&entry),
            Item::Said(connection, remark) => {
                let number = connection.map_or_else(|| "-".to_owned(), |number| number.to_string());
                if self.is_wanted(connection, &remark) {
                    self.print(&format!("{number} {remark}"));
                }
            }
            Item::Forgotten(connection) => drop(self.conversations.remove(&connection)),
        }
    }

    fn hear_entry(&mut self, entry: &Entry) {
        let protocol = self.protocol;
        let conversation = self
            .conversations
            .entry(entry.connection)
            .or_insert_with(|| Conversation::new(protocol));
        let word = match entry.event {
            Event::Bytes(_) | Event::Lost(_) => None,
            Event::Open => Some("open"),
            Event::Refused => Some("refused"),
            Event::Fin => Some("fin"),
            Event::Close => Some("close"),
            Event::Reset => Some("reset"),
        };
        let remarks = conversation.hear(entry.from, &entry.event);
        for remark in word.map(Remark::fact).into_iter().chain(remarks) {
            if self.is_wanted(Some(entry.connection), &remark) {
                let (number, mark) = (entry.connection, entry.from.mark());
                self.print(&format!("{number} {} {mark} {remark}", seconds(entry.at)));
            }
        }
    }

    fn is_wanted(&mut self, connection: Option<u32>, remark: &Remark) -> bool {
        let other = |only: u32| connection.is_some_and(|number| number != only);
        if self.args.connection.is_some_and(other) {
            return false;
        }
        self.faults += u64::from(remark.is_fault);
        remark.is_fault || !self.args.faults
    }

    fn print(&mut self, line: &str) {
        if self.broken.is_none() {
            self.broken = writeln!(self.out, "{line}").err();
        }
    }

    fn finish(&mut self) -> io::Result<()> {
        self.print(&format!("{} irregular", self.faults));
        match self.broken.take() {
            Some(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            Some(error) => Err(error),
            None => self.out.flush(),
        }
    }
}

fn seconds(at: Duration) -> String {
    format!("{}.{:06}", at.as_secs(), at.subsec_micros())
}
