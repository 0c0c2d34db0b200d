//! From the settings of an upstream to its wire format: one line a protocol.

use super::config::{Config, ProtocolName, Quirks};
use crate::protocol::fastcgi::FastCgi;
use crate::protocol::params::{Style, StyleKind};
use crate::protocol::scgi::Scgi;
use crate::protocol::uwsgi::Uwsgi;
use crate::protocol::{Limits, Protocol, head};

/// The codec of an upstream; `None` for HTTP, which is hyper's.
pub(super) fn make(config: &Config) -> Option<Box<dyn Protocol>> {
    let Quirks {
        modifier1, modifier2, ..
    } = config.quirks;
    let limits = Limits {
        block: config.quirks.max_block,
        params: config.quirks.max_params,
        head: head::Limits {
            size: config.head_size,
            fields: config.head_fields,
        },
    };
    let style = style(config)?;
    let reuse = config.keep_alive > 0;
    match config.protocol {
        ProtocolName::FastCgi => Some(Box::new(FastCgi {
            keep_conn: reuse,
            style,
            limits,
        })),
        ProtocolName::Uwsgi => Some(Box::new(Uwsgi {
            modifier1,
            modifier2,
            reuse,
            style,
            limits,
        })),
        ProtocolName::Scgi => Some(Box::new(Scgi { style, limits })),
        ProtocolName::Http => None,
    }
}

/// How the variables of an upstream are made; `None` for HTTP.
pub(super) fn style(config: &Config) -> Option<Style> {
    let kind = match config.protocol {
        ProtocolName::FastCgi => StyleKind::FastCgi,
        ProtocolName::Uwsgi => StyleKind::Uwsgi,
        ProtocolName::Scgi => StyleKind::Scgi,
        ProtocolName::Http => return None,
    };
    Some(Style {
        path_info: config.quirks.path_info,
        empty_path_info: config.quirks.empty_path_info,
        kind,
    })
}
