//! `access` of a route.

use std::path::PathBuf;

use ipnet::IpNet;

use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::table::{FlagOrSection, Switch, required, table};
use crate::config::tables::network::NETWORK;
use crate::config::units::{Absolute, Name, Named, OneOrMore, Text};
use crate::frontend::config::{AccessRules as Settings, BasicAuth, Satisfy};

table! {
    /// Which clients may ask. By networks: the others get 403. The smallest network that a client is in decides, whatever the
    /// order, and of two that are the same `deny`. A client in none may ask, unless `allow` has one. Clients on unix sockets
    /// may. By a name and a password, `basic`: the others get 401. A page of `errors` for such an answer is for every client.
    pub(in crate::config) struct Access for Settings {
        /// Networks that may ask. Default: all.
        allow: Vec<IpNet> as OneOrMore(NETWORK) => networks.allow,
        /// Networks that may not. Default: none.
        deny: Vec<IpNet> as OneOrMore(NETWORK) => networks.deny,
        basic: Switch<Basic> as FlagOrSection => _,
        /// Whether a client has to meet `"all"` of it, or `"any"`: a network of `allow`, or a password.
        satisfy: Satisfy as Name,
    }
    shown = shown;
}

table! {
    /// A name and a password, by the Basic scheme (RFC 7617), or `false` where a snippet asks for one and this route does not.
    /// The application gets the name as `REMOTE_USER`, in formats it is `$remote_user`; the field `Authorization` goes on to it, unless
    /// `request` removes that. A password that was right is not compared with its hash again for a minute. One of more
    /// than 512 bytes is wrong. A browser that asks before (`cors`) is answered without a password: it sends none.
    pub(in crate::config) struct Basic for BasicAuth {
        /// What browsers show with the question.
        realm: String as REALM,
        /// The file of users, lines of `NAME:HASH` as `htpasswd -B FILE NAME` writes them: bcrypt, SHA-crypt, apr1 or argon2id.
        /// It is looked at once a second, and read again when it was changed. Required.
        users_file: PathBuf as Absolute("the file") => _,
    }
    shown = basic_shown;
    example = r#"[[route]]
path = "/admin"
proxy = { upstream = "api" }
access = { allow = ["10.0.0.0/8"], basic = { realm = "Office", users_file = "/etc/bridgehead/users" }, satisfy = "any" }
"#;
}

/// The clients that may ask.
pub(super) fn check(typed: &At<Access>, complaints: &mut Complaints) -> Settings {
    let mut settings = Settings::default();
    typed.apply_to(&mut settings);
    settings.basic = typed.basic.as_ref().and_then(|typed| basic(typed, complaints));
    if let Some(satisfy) = &typed.satisfy
        && settings.satisfy == Satisfy::Any
        && (settings.networks.is_empty() || settings.basic.is_none())
    {
        complaints
            .warning(
                satisfy.span(),
                "`satisfy` has no effect: one thing is asked of clients",
            )
            .help("it is for networks beside `basic`");
    }
    settings
}

fn basic(typed: &At<Switch<Basic>>, complaints: &mut Complaints) -> Option<BasicAuth> {
    let own = match &**typed {
        Switch::Off => return None,
        Switch::On => None,
        Switch::Own(own) => Some(own),
    };
    let example = "users_file = \"/etc/bridgehead/users\"";
    let file = own.and_then(|own| own.users_file.as_ref());
    let file = required(typed, "users_file", file, example, complaints)?;
    let mut settings = BasicAuth::default();
    if let Some(own) = own {
        own.apply_to(&mut settings);
    }
    settings.users_file.clone_from(file);
    Some(settings)
}

/// What there is, as it would be typed.
fn shown(access: &Settings) -> Access {
    let mut shown = Access::plain(access);
    for networks in [&mut shown.allow, &mut shown.deny] {
        *networks = networks.take().filter(|networks| !networks.is_empty());
    }
    let basic = access.basic.as_ref().map(|basic| Switch::Own(basic_shown(basic)));
    shown.basic = basic.map(At::nowhere);
    shown
}

fn basic_shown(basic: &BasicAuth) -> Basic {
    Basic {
        users_file: Some(At::nowhere(basic.users_file.clone())),
        ..Basic::plain(basic)
    }
}

impl Named for Satisfy {
    const KIND: &'static str = "way to satisfy";
    const NAMES: &'static [(&'static str, Self)] = &[("all", Self::All), ("any", Self::Any)];
}

const REALM: Text<String> = Text {
    words: "string",
    read: |text, complaints| {
        if text.chars().any(char::is_control) {
            complaints.error(text.span(), "a realm is one line of text");
            return None;
        }
        Some(text.to_string())
    },
    show: String::clone,
};
