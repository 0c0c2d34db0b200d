//! Words with a meaning: `fastcgi`, `php-fpm`, `combined`, …

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, Visitor};

use super::{Asked, Kind, Method};
use crate::config::suggest;
use crate::frontend::config::StatusFormat;
use crate::protocol::params::PathInfo;
use crate::telemetry::config::Format;
use crate::transport::resolve::Family;
use crate::upstream::model::config::health::Silence;
use crate::upstream::model::config::{ProtocolName, SameSite};
use crate::upstream::model::profile::Profile;

/// A value that is chosen by its name.
pub trait Named: Copy + PartialEq + 'static {
    /// What the names are names of.
    const KIND: &'static str;
    /// Every name.
    const NAMES: &'static [(&'static str, Self)];
}

/// A name in the file and what it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name<T>(pub T);

impl Named for ProtocolName {
    const KIND: &'static str = "protocol";
    const NAMES: &'static [(&'static str, Self)] = &[
        ("fastcgi", Self::FastCgi),
        ("uwsgi", Self::Uwsgi),
        ("scgi", Self::Scgi),
        ("http", Self::Http),
    ];
}

impl Named for Profile {
    const KIND: &'static str = "profile";
    const NAMES: &'static [(&'static str, Self)] = &Self::ALL;
}

impl Named for SameSite {
    const KIND: &'static str = "same_site";
    const NAMES: &'static [(&'static str, Self)] =
        &[("strict", Self::Strict), ("lax", Self::Lax), ("none", Self::None)];
}

impl Named for PathInfo {
    const KIND: &'static str = "form of the path";
    const NAMES: &'static [(&'static str, Self)] = &[("decoded", Self::Decoded), ("encoded", Self::Encoded)];
}

impl Named for Format {
    const KIND: &'static str = "access log format";
    const NAMES: &'static [(&'static str, Self)] = &[("combined", Self::Combined), ("json", Self::Json)];
}

impl Named for Kind {
    const KIND: &'static str = "kind of check";
    const NAMES: &'static [(&'static str, Self)] = &[
        ("get_values", Self::GetValues),
        ("ping", Self::Ping),
        ("request", Self::Request),
        ("connect", Self::Connect),
    ];
}

impl Named for Method {
    const KIND: &'static str = "method of a check";
    const NAMES: &'static [(&'static str, Self)] = &[("GET", Self::Get), ("HEAD", Self::Head)];
}

impl Named for Silence {
    const KIND: &'static str = "meaning of silence";
    const NAMES: &'static [(&'static str, Self)] = &[("dead", Self::Dead), ("busy", Self::Busy)];
}

impl Named for Asked {
    const KIND: &'static str = "source";
    const NAMES: &'static [(&'static str, Self)] = &[
        ("nobody", Self::Nobody),
        ("get_values", Self::GetValues),
        ("status", Self::Status),
    ];
}

impl Named for StatusFormat {
    const KIND: &'static str = "format of the status";
    const NAMES: &'static [(&'static str, Self)] = &[("prometheus", Self::Prometheus), ("json", Self::Json)];
}

impl Named for Family {
    const KIND: &'static str = "family of addresses";
    const NAMES: &'static [(&'static str, Self)] = &[
        ("prefer_ipv4", Self::PreferIpv4),
        ("prefer_ipv6", Self::PreferIpv6),
        ("ipv4", Self::Ipv4),
        ("ipv6", Self::Ipv6),
        ("both", Self::Both),
    ];
}

impl Named for tracing::Level {
    const KIND: &'static str = "log level";
    const NAMES: &'static [(&'static str, Self)] = &[
        ("error", Self::ERROR),
        ("warn", Self::WARN),
        ("info", Self::INFO),
        ("debug", Self::DEBUG),
        ("trace", Self::TRACE),
    ];
}

impl<T: Named> fmt::Display for Name<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = T::NAMES.iter().find(|(_, value)| *value == self.0);
        f.write_str(name.map_or("?", |(name, _)| name))
    }
}

impl<'de, T: Named> Deserialize<'de> for Name<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(NameVisitor(PhantomData))
    }
}

impl<T: Named> JsonSchema for Name<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        T::KIND.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "enum": T::NAMES.iter().map(|(name, _)| *name).collect::<Vec<_>>() })
    }
}

struct NameVisitor<T>(PhantomData<T>);

impl<T: Named> Visitor<'_> for NameVisitor<T> {
    type Value = Name<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "one of {}",
            suggest::list(T::NAMES.iter().map(|(name, _)| *name))
        )
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Name<T>, E> {
        let known = T::NAMES.iter().find(|(name, _)| *name == text);
        known.map(|(_, value)| Name(*value)).ok_or_else(|| {
            let names = || T::NAMES.iter().map(|(name, _)| *name);
            let help = match suggest::nearest(text, names()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are {}", suggest::list(names())),
            };
            E::custom(format_args!("unknown {} `{text}`\n{help}", T::KIND))
        })
    }
}
