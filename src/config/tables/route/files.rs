//! `files` of a route.

use std::path::PathBuf;

use super::charset::CHARSET;
use super::document_root;
use super::fallback::FALLBACK;
use super::file_name::INDEX;
use super::handler::{HandlerTable, Place};
use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::table::table;
use crate::config::units::{Absolute, Name, Named, OneOrMore, Text, template};
use crate::files::Symlinks;
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
        /// Which symbolic links below the root are followed: all (`"follow"`), those that stay in it (`"inside"`), or those
        /// that belong to the owner of what they lead to (`"owner"`), for hosts that are shared.
        symlinks: Symlinks as Name,
        /// Encoding that text files are said to have: `"utf-8"`. XML names its own. Default: nothing is said, so that `<meta>`
        /// counts.
        charset: String as CHARSET,
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
        Some(files)
    }

    fn shown(files: &Settings, _upstreams: &[UpstreamConfig]) -> At<Self> {
        let (root, alias) = document_root::shown(&files.root);
        let plain = Self::plain(files);
        At::nowhere(Self {
            root,
            alias,
            r#try: plain.r#try.clone().filter(|tries| !tries.is_empty()),
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
