//! Requests that are drawn.

use std::collections::BTreeMap;

use fastrand::Rng;

use super::tree::FILES;

/// The tag of each file, as one server has it.
pub(super) type Tags = BTreeMap<String, String>;

/// A request. Tags are the servers' own: `{tag}` stands for that of the file.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) method: &'static str,
    pub(super) target: String,
    /// What was asked for before it was written in an odd way.
    pub(super) path: &'static str,
    pub(super) fields: Vec<(&'static str, String)>,
}

const METHODS: [&str; 20] = [
    "GET", "GET", "GET", "GET", "GET", "GET", "GET", "GET", "GET", "GET", "GET", "GET", "GET", "GET", "GET",
    "HEAD", "HEAD", "HEAD", "POST", "DELETE",
];

/// Paths that are no files, or are not sent.
const OTHERS: [&str; 22] = [
    "/",
    "/dir",
    "/dir/",
    "/dir/sub",
    "/linked",
    "/linked/",
    "/list/",
    "/list",
    "/none",
    "/none/",
    "/page.html/",
    "/page.html/x",
    "/.hidden",
    "/.git/config",
    "/.well-known/security.txt",
    "/script.php",
    "/out.txt",
    "/broken.txt",
    "/loop.txt",
    "/fifo",
    "/PAGE.HTML",
    "/app.js.gz",
];

const RANGES: [&str; 30] = [
    "bytes=0-0",
    "bytes=0-4",
    "bytes=2-",
    "bytes=-3",
    "bytes=-0",
    "bytes=0-",
    "bytes=9-9",
    "bytes=10-",
    "bytes=5-100000",
    "bytes=1000-1999",
    "bytes=299999-",
    "bytes=65536-131071",
    "bytes=-100000",
    "bytes=0-0,2-2",
    "bytes=0-0, 4-5,7-",
    "bytes=7-8,0-1",
    "bytes=0-1,100000000-",
    "bytes=100000000-,200000000-",
    "bytes=0-3,2-5",
    "bytes=0-1,2-3",
    "bytes=0-,0-",
    "bytes=5-4",
    "bytes=a-b",
    "bytes=",
    "bytes=0",
    "bytes=0-1,",
    "BYTES=1-2",
    "lines=0-1",
    "bytes=18446744073709551616-",
    "bytes=0-99999999999999999999",
];

const DATES: [&str; 6] = [
    "Sun, 06 Nov 1994 08:49:37 GMT",
    "Sun, 06 Nov 1994 08:49:36 GMT",
    "Sun, 06 Nov 1994 08:49:38 GMT",
    "Sunday, 06-Nov-94 08:49:37 GMT",
    "Sun Nov  6 08:49:37 1994",
    "yesterday",
];

const TAGS: [&str; 6] = [
    "{tag}",
    "\"other\"",
    "*",
    "\"other\", {tag}",
    "W/{tag}",
    "nonsense",
];

const CODINGS: [&str; 7] = [
    "gzip",
    "gzip, deflate, br",
    "br",
    "gzip;q=0",
    "*",
    "gzip;q=0.5, identity",
    "identity",
];

impl Asked {
    /// A file, and nothing else.
    pub(super) fn plain(path: &'static str) -> Self {
        Self {
            method: "GET",
            target: path.to_owned(),
            path,
            fields: Vec::new(),
        }
    }

    pub(super) fn draw(random: &mut Rng) -> Self {
        let path = match random.u8(0..10) {
            0..7 => one(&FILES, random),
            _ => one(&OTHERS, random),
        };
        let target = match random.u8(0..10) {
            0..7 => path.to_owned(),
            _ => odd(path, random),
        };
        let mut fields = vec![("Accept", "application/json".to_owned())];
        if random.u8(0..2) == 0 {
            fields.push(("Range", range(random)));
            if random.u8(0..4) == 0 {
                let condition = match random.bool() {
                    true => one(&["{tag}", "\"other\"", "W/{tag}", "nonsense"], random),
                    false => one(&DATES, random),
                };
                fields.push(("If-Range", condition.to_owned()));
            }
        }
        for (name, values, of) in [
            ("If-None-Match", &TAGS[..], 5),
            ("If-Match", &TAGS, 10),
            ("If-Modified-Since", &DATES, 6),
            ("If-Unmodified-Since", &DATES, 10),
            ("Accept-Encoding", &CODINGS, 3),
        ] {
            if random.u8(0..of) == 0 {
                fields.push((name, one(values, random).to_owned()));
            }
        }
        Self {
            method: one(&METHODS, random),
            target,
            path,
            fields,
        }
    }

    /// The fields for a server with these tags.
    pub(super) fn fields(&self, tags: &Tags) -> Vec<(&'static str, String)> {
        let tag = tags.get(self.path).map_or("\"none\"", |tag| tag);
        let fields = self.fields.iter();
        fields
            .map(|(name, value)| (*name, value.replace("{tag}", tag)))
            .collect()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.field(name).is_some()
    }

    pub(super) fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.fields.iter();
        let found = fields.find(|(own, _)| *own == name);
        found.map(|(_, value)| value.as_str())
    }
}

fn one<'a>(list: &[&'a str], random: &mut Rng) -> &'a str {
    list[random.usize(0..list.len())]
}

/// A range of the list, or a few that are drawn.
fn range(random: &mut Rng) -> String {
    if random.u8(0..3) > 0 {
        return one(&RANGES, random).to_owned();
    }
    let count = random.usize(1..24);
    let specs: Vec<String> = (0..count)
        .map(|_| {
            let start = random.u64(0..6000);
            format!("{start}-{}", start + random.u64(0..400))
        })
        .collect();
    format!("bytes={}", specs.join(","))
}

/// The same path, in another spelling or with something that does not belong there.
fn odd(path: &str, random: &mut Rng) -> String {
    let at = random.usize(0..path.len());
    let at = (0..=at).rev().find(|at| path.is_char_boundary(*at)).unwrap_or(0);
    let (start, end) = path.split_at(at);
    match random.u8(0..14) {
        0 => format!("{path}?a=b&v=1"),
        1 => format!("{path}?"),
        2 => format!("/{path}"),
        3 => format!("/.{path}"),
        4 => format!("/dir/..{path}"),
        5 => format!("/none/..{path}"),
        6 => format!("/..{path}"),
        7 => format!("{path}%00"),
        8 => format!("{path};a=b"),
        9 => format!("{path}/."),
        10 => format!("/dir%2F..{path}"),
        11 => format!("{start}%zz{end}"),
        12 => format!("{start}%5C{end}"),
        _ => encoded(path, at),
    }
}

/// One more of its characters is encoded.
fn encoded(path: &str, at: usize) -> String {
    let byte = path.as_bytes()[at];
    match byte.is_ascii_alphanumeric() && !path.contains('%') {
        true => format!("{}%{byte:02x}{}", &path[..at], &path[at + 1..]),
        false => path.to_owned(),
    }
}
