//! `rewrite` of a route.

use super::handler::{HandlerTable, Place};
use super::redirect::mistaken_target;
use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::table::{required, table};
use crate::config::units::{Text, template};
use crate::frontend::config::Rewrite as Settings;
use crate::variables::Template;

table! {
    /// Another target in place of the one that came: the request is routed again by it, as with nginx's
    /// `rewrite … last`, at most ten times. `REQUEST_URI` stays what came.
    pub(in crate::config) struct Rewrite for Settings {
        /// Path and perhaps a query, with variables: `"/index.php?title=$1"`. The query that came follows, unless this ends
        /// with a question mark. What a pattern took out is encoded again. Required.
        to: Template as TARGET,
    }
}

impl HandlerTable for Rewrite {
    type Settings = Settings;

    fn check(typed: &At<Self>, _place: Place<'_>, complaints: &mut Complaints) -> Option<Settings> {
        let example = "to = \"/index.php?title=$1\"";
        required(typed, "to", typed.to.as_ref(), example, complaints);
        let mut rewrite = Settings::default();
        typed.apply_to(&mut rewrite);
        Some(rewrite)
    }
}

/// A path of ours, with variables.
pub(super) const TARGET: Text<Template> = Text {
    words: "path, with variables",
    read,
    show: Template::to_string,
};

fn read(typed: &At<String>, complaints: &mut Complaints) -> Option<Template> {
    if !typed.starts_with(['/', '$']) || typed.contains('#') || mistaken_target(typed) {
        complaints
            .error(typed.span(), "not a target of the gateway's own")
            .help("write a path such as \"/index.php?page=$1\"; other hosts need a redirect");
    }
    template(typed, complaints)
}
