//! `compress` of a route.

use crate::compression::Coding;
use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::table::{Switch, table};
use crate::config::units::{ANY_SIZE, List, Name, Named, Number, Text};
use crate::frontend::config::Compression;

table! {
    /// Content codings of answers, of applications and of files: `true` for the usual ones. Each client gets the one that
    /// it likes best. Answers that are coded already, parts of answers, and those with `Cache-Control: no-transform`
    /// are left alone. What an application has written is passed on, coded, as soon as it pauses. Off on pages
    /// that show a secret beside what a client has sent (BREACH). Default: `false`.
    pub(in crate::config) struct Compress for Compression {
        /// Codings, the best first.
        codings: Vec<Coding> as List(Name),
        /// Media types of the answers: `"text/html"`, `"text/*"`, `"*+json"`.
        types: Vec<String> as List(TYPE),
        /// Smaller answers are left alone.
        min_size: u64 as ANY_SIZE,
        /// How hard gzip tries: 1 is fast, 9 is small.
        gzip_level: u32 as Number(1, 9) => levels.gzip,
        /// How hard zstd tries: 1 is fast, 9 is small.
        zstd_level: u32 as Number(1, 9) => levels.zstd,
    }
}

impl Compress {
    /// The setting as it would be typed.
    pub(super) fn shown(compression: Option<&Compression>) -> Switch<Self> {
        match compression {
            None => Switch::Off,
            Some(usual) if *usual == Compression::default() => Switch::On,
            Some(own) => Switch::Own(Self::plain(own)),
        }
    }

    /// What was typed.
    pub(super) fn settings(typed: &Switch<Self>) -> Option<Compression> {
        let mut settings = Compression::default();
        match typed {
            Switch::Off => return None,
            Switch::On => {}
            Switch::Own(own) => own.apply_to(&mut settings),
        }
        Some(settings)
    }
}

impl Named for Coding {
    const KIND: &'static str = "content coding";
    const NAMES: &'static [(&'static str, Self)] = &[
        #[cfg(feature = "zstd")]
        ("zstd", Self::Zstd),
        ("gzip", Self::Gzip),
    ];
}

pub(super) const TYPE: Text<String> = Text {
    words: "media type",
    read: media_type,
    show: String::clone,
};

fn media_type(typed: &At<String>, complaints: &mut Complaints) -> Option<String> {
    let stars = typed.matches('*').count();
    let is_pattern = **typed == "*" || typed.starts_with("*+") || typed.ends_with("/*");
    let is_type = typed
        .split_once('/')
        .is_some_and(|(kind, own)| !kind.is_empty() && !own.is_empty());
    if typed.contains([';', ' ', ',']) || stars > 1 || !is_pattern && (stars > 0 || !is_type) {
        complaints
            .error(typed.span(), format!("`{}` is no media type", **typed))
            .help("write \"text/html\", \"text/*\", \"*+json\", or \"*\" for all");
        return None;
    }
    Some(typed.to_ascii_lowercase())
}
