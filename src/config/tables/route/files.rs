//! `files` of a route.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::charset::CHARSET;
use super::delivery::{MEDIA_TYPE, Precompressed, Rules, Types};
use super::document_root;
use super::fallback::FALLBACK;
use super::file_name::INDEX;
use super::handler::{HandlerTable, Place};
use super::listing::Listing;
use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::table::{FlagOrSection, Switch, table};
use crate::config::units::{Absolute, Name, Named, Number, OneOrMore, Text, template};
use crate::files::{Coding, Expiry, Symlinks};
use crate::frontend::config::{Fallback, Files as Settings};
use crate::upstream::UpstreamConfig;
use crate::variables::Template;

table! {
    /// Files below a directory, which is a `root` or an `alias`.
    pub(in crate::config) struct Files for Settings {
        /// Directory below which the whole path is looked up, as with nginx's `root`: in a route with
        /// `path = "/static"`, `/static/a.css` is `ROOT/static/a.css`. Default: `alias`.
        root: PathBuf as Absolute("the directory") => _,
        /// Directory that stands for the path of the route, as with nginx's `alias`: in a route with `path = "/static"`,
        /// `/static/a.css` is `ALIAS/a.css`. Default: `root`.
        alias: PathBuf as Absolute("the directory") => _,
        /// File tried for a directory; of several, the first that is there.
        index: Vec<String> as OneOrMore(INDEX),
        /// Whether a directory without any of these files is listed, and how. Default: `false`, 404.
        listing: Switch<Listing> as FlagOrSection => _,
        /// Which symbolic links below the root are followed: all (`"follow"`), those that stay in it (`"inside"`), or those
        /// that belong to the owner of what they lead to (`"owner"`), for hosts that are shared.
        symlinks: Symlinks as Name,
        /// Encoding that text files are said to have: `"utf-8"`. XML names its own. Default: nothing is said, so that `<meta>`
        /// counts.
        charset: String as CHARSET => delivery.charset,
        /// Media types by the endings of names, before those that are known: `{ mjs = "text/javascript" }`. Default: none.
        types: BTreeMap<String, String> as Types => delivery.types,
        /// Media type of files whose names tell none.
        default_type: String as MEDIA_TYPE => delivery.default_type,
        /// How long clients may keep files: the first rule that is for one. Default: nothing is said.
        expires: Vec<Expiry> as Rules => delivery.expires,
        /// Codings in which a file may lie beside itself, the best first: `app.js.br`, `app.js.zst`, `app.js.gz`. A client
        /// gets the one that it likes best; the plain file has to be there.
        precompressed: Vec<Coding> as Precompressed => delivery.precompressed,
        /// Ranges of one request, at most; with more of them, it gets all of the file. `0`: no parts are sent.
        max_ranges: usize as Number(0, 1_000) => delivery.max_ranges,
        /// Paths that are tried one after the other, as with nginx's `try_files`: `["$uri", "$uri.html", "$uri/"]`, a
        /// directory with a slash at its end. Default: the request's, as a file and as a directory.
        r#try: Vec<Template> as OneOrMore(PATH) => tries,
        /// What answers when none is there: another route, `"@app"`, or a path of ours, `"/index.html"`, with the query of
        /// the request. Requests with other methods than GET and HEAD go there where no file is. Default: none, 404.
        r#else: Fallback as FALLBACK => fallback,
    }
}

impl HandlerTable for Files {
    type Settings = Settings;

    fn check(typed: &At<Self>, _place: Place<'_>, complaints: &mut Complaints) -> Option<Settings> {
        let root = document_root::check(typed, typed.root.as_ref(), typed.alias.as_ref(), complaints)?;
        let mut files = Settings {
            root,
            ..Settings::default()
        };
        typed.apply_to(&mut files);
        files.listing = typed.listing.as_deref().and_then(Listing::settings);
        Some(files)
    }

    fn shown(files: &Settings, _upstreams: &[UpstreamConfig]) -> At<Self> {
        let (root, alias) = document_root::shown(&files.root);
        let plain = Self::plain(files);
        At::nowhere(Self {
            root,
            alias,
            listing: Some(At::nowhere(Listing::shown(files.listing.as_ref()))),
            r#try: plain.r#try.clone().filter(|tries| !tries.is_empty()),
            types: plain.types.clone().filter(|types| !types.is_empty()),
            expires: plain.expires.clone().filter(|rules| !rules.is_empty()),
            ..plain
        })
    }
}

impl Named for Symlinks {
    const KIND: &'static str = "rule for symbolic links";
    const NAMES: &'static [(&'static str, Self)] = &[
        ("follow", Self::Follow),
        ("inside", Self::Inside),
        ("owner", Self::Owner),
    ];
}

/// A path below the root, as files are looked up by it.
const PATH: Text<Template> = Text {
    words: "path, with variables",
    read: path,
    show: Template::to_string,
};

fn path(typed: &At<String>, complaints: &mut Complaints) -> Option<Template> {
    if typed.starts_with('=') || typed.starts_with('@') {
        complaints
            .error(typed.span(), "not a path that can be tried")
            .help("where nothing is, the answer is 404; `else = \"@app\"` leads to another route");
    } else if !typed.starts_with(['/', '$']) {
        complaints
            .error(typed.span(), "a path begins with a slash")
            .help(format!("write \"/{}\"", typed.as_str()));
    }
    template(typed, complaints)
}
