//! `proxy_protocol` of an upstream.

use crate::config::units::Named;
use crate::protocol::proxy_protocol::Version;

impl Named for Version {
    const KIND: &'static str = "version of the PROXY protocol";
    const NAMES: &'static [(&'static str, Self)] = &[("v1", Self::V1), ("v2", Self::V2)];
}
