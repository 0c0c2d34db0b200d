//! `files` of a route.

use std::path::PathBuf;

use super::charset::CHARSET;
use super::file_name::INDEX;
use super::handler::{HandlerTable, Place};
use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::table::{required, table};
use crate::config::units::{Absolute, Name, Named, OneOrMore};
use crate::files::Symlinks;
use crate::frontend::config::Files as Settings;

table! {
    /// Files below a directory.
    pub(in crate::config) struct Files for Settings {
        /// Directory. The rest of the path, behind the path of the route, is looked up in it. Required.
        root: PathBuf as Absolute("the directory"),
        /// File tried for a directory; of several, the first that is there.
        index: Vec<String> as OneOrMore(INDEX),
        /// Which symbolic links below the root are followed: all (`"follow"`), those that stay in it (`"inside"`), or those
        /// that belong to the owner of what they lead to (`"owner"`), for hosts that are shared.
        symlinks: Symlinks as Name,
        /// Encoding that text files, not answers of scripts, are said to have: `"utf-8"`. XML names its own. Default: nothing
        /// is said, so that `<meta>` counts.
        charset: String as CHARSET,
    }
}

impl HandlerTable for Files {
    type Settings = Settings;

    fn check(typed: &At<Self>, _place: Place<'_>, complaints: &mut Complaints) -> Option<Settings> {
        let example = "root = \"/srv/www/static\"";
        required(typed, "root", typed.root.as_ref(), example, complaints);
        let mut files = Settings::default();
        typed.apply_to(&mut files);
        Some(files)
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
