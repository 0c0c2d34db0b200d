//! `php` of a route.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::charset::CHARSET;
use super::delivery::{MEDIA_TYPE, Precompressed, Rules, Types};
use super::document_root;
use super::file_name::PHP_INDEX;
use super::handler::{HandlerTable, Place};
use super::target;
use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::table::table;
use crate::config::units::{Absolute, Name, Number, OneOrMore, Plain, Text};
use crate::files::{Coding, Expiry, Symlinks};
use crate::frontend::config::Php as Settings;
use crate::upstream::UpstreamConfig;

table! {
    /// PHP scripts below a document root, which is a `root` or an `alias`; other files as they are. For upstreams that
    /// speak FastCGI, uwsgi or SCGI.
    pub(in crate::config) struct Php for Settings {
        /// Name of the upstream. Required.
        upstream: String as Plain => _,
        /// Document root below which the whole path is looked up, as with nginx's `root`: in a route with
        /// `path = "/blog"`, `/blog/a.php` is `ROOT/blog/a.php`. Default: `alias`.
        root: PathBuf as Absolute("the document root") => _,
        /// Document root that stands for the path of the route, as with nginx's `alias`: in a route with `path = "/blog"`,
        /// `/blog/a.php` is `ALIAS/a.php`; `SCRIPT_NAME` is `/blog/a.php` all the same. Default: `root`.
        alias: PathBuf as Absolute("the document root") => _,
        /// The same directory as PHP-FPM sees it, such as in its container. Default: as we see it.
        remote_root: PathBuf as Absolute("the remote document root"),
        /// File tried for a directory; of several, the first that is there.
        index: Vec<String> as OneOrMore(PHP_INDEX),
        /// Script for every path that is no file, by its place below the document root: `"/index.php"`. Default: none, 404.
        front_controller: String as SCRIPT,
        /// The scripts that run, by their places below the document root: `["/index.php"]`; every other one is 404. The front
        /// controller need not be listed for the paths that are no files. Default: all.
        scripts: Vec<String> as OneOrMore(SCRIPT),
        /// Suffix of scripts.
        suffix: String as SUFFIX,
        /// Which symbolic links below the root are followed: all (`"follow"`), those that stay in it (`"inside"`), or those
        /// that belong to the owner of what they lead to (`"owner"`), for hosts that are shared.
        symlinks: Symlinks as Name,
        /// Encoding that text files, not answers of scripts, are said to have: `"utf-8"`. XML names its own. Default: nothing
        /// is said, so that `<meta>` counts.
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
    }
}

impl HandlerTable for Php {
    type Settings = Settings;

    fn check(typed: &At<Self>, place: Place<'_>, complaints: &mut Complaints) -> Option<Settings> {
        let upstreams = place.upstreams;
        let upstream = target::find(typed, typed.upstream.as_ref(), upstreams, complaints);
        let root = document_root::check(typed, typed.root.as_ref(), typed.alias.as_ref(), complaints);
        if let Some(index) = upstream.filter(|index| target::speaks_http(upstreams, *index)) {
            let message = format!(
                "PHP does not run behind the upstream `{}`, which speaks http",
                upstreams[index].name
            );
            let place = typed.upstream.as_ref().map_or(typed.span(), At::span);
            complaints
                .error(place, message)
                .help("use proxy = { upstream = … }");
        }
        let mut php = Settings {
            upstream: upstream?,
            root: root?,
            ..Settings::default()
        };
        typed.apply_to(&mut php);
        let suffix = &php.suffix;
        if let Some(script) = &typed.front_controller
            && is_script(script)
            && !has_query(script)
            && !script.ends_with(suffix)
        {
            complaints.warning(
                script.span(),
                format!("the front controller does not end with the suffix `{suffix}`"),
            );
        }
        Some(php)
    }

    fn shown(php: &Settings, upstreams: &[UpstreamConfig]) -> At<Self> {
        let (root, alias) = document_root::shown(&php.root);
        let plain = Self::plain(php);
        At::nowhere(Self {
            upstream: target::shown(upstreams, php.upstream),
            root,
            alias,
            scripts: plain.scripts.clone().filter(|scripts| !scripts.is_empty()),
            types: plain.types.clone().filter(|types| !types.is_empty()),
            expires: plain.expires.clone().filter(|rules| !rules.is_empty()),
            ..plain
        })
    }
}

const SUFFIX: Text<String> = Text {
    words: "suffix with its dot",
    read: suffix,
    show: String::clone,
};

fn suffix(typed: &At<String>, complaints: &mut Complaints) -> Option<String> {
    if typed.len() < 2 || !typed.starts_with('.') || typed.contains(['/', '\0']) {
        complaints
            .error(typed.span(), "not a suffix of scripts")
            .help("write it with its dot: \".php\"");
    }
    Some(typed.to_string())
}

const SCRIPT: Text<String> = Text {
    words: "path below the document root",
    read: script,
    show: String::clone,
};

fn script(typed: &At<String>, complaints: &mut Complaints) -> Option<String> {
    if has_query(typed) {
        complaints.error(typed.span(), "a script has a query").help(
            "write the script alone, such as \"/index.php\": it gets the query of the request as it is",
        );
    } else if !is_script(typed) {
        complaints
            .error(typed.span(), "not the path of a script below the document root")
            .help("write it as in a URL, from the root on: \"/index.php\"");
    }
    Some(typed.to_string())
}

/// Whether there is a query, or what nginx would replace by one.
fn has_query(path: &str) -> bool {
    ["?", "$args", "$is_args", "$query_string"]
        .iter()
        .any(|part| path.contains(part))
}

fn is_script(path: &str) -> bool {
    let odd = |segment: &str| matches!(segment, "" | "." | "..");
    path.starts_with('/') && !path.contains('\0') && !path.split('/').skip(1).any(odd)
}
