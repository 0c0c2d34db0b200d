//! From the settings of an upstream to its wire format: one line a protocol.

use crate::protocol::fastcgi::FastCgi;
use crate::protocol::http1::Http1;
use crate::protocol::params::{Style, StyleKind};
use crate::protocol::scgi::Scgi;
use crate::protocol::uwsgi::Uwsgi;
use crate::protocol::{Limits, Protocol, head};
use crate::upstream::model::config::{ProtocolName, Quirks, UpstreamConfig};

/// The codec of an upstream.
pub(in crate::upstream) fn make(config: &UpstreamConfig) -> Box<dyn Protocol> {
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
    let style = |kind| style(config, kind);
    let reuse = config.keep_alive > 0;
    match config.protocol {
        ProtocolName::FastCgi => Box::new(FastCgi {
            keep_conn: reuse,
            style: style(StyleKind::FastCgi),
            limits,
        }),
        ProtocolName::Uwsgi => Box::new(Uwsgi {
            modifier1,
            modifier2,
            reuse,
            style: style(StyleKind::Uwsgi),
            limits,
        }),
        ProtocolName::Scgi => Box::new(Scgi {
            style: style(StyleKind::Scgi),
            limits,
        }),
        ProtocolName::Http => Box::new(Http1 {
            keep: reuse,
            limits: limits.head,
        }),
    }
}

/// How the variables of an upstream are made, if its protocol has some.
pub(in crate::upstream) fn variables(config: &UpstreamConfig) -> Option<Style> {
    let kind = match config.protocol {
        ProtocolName::FastCgi => StyleKind::FastCgi,
        ProtocolName::Uwsgi => StyleKind::Uwsgi,
        ProtocolName::Scgi => StyleKind::Scgi,
        ProtocolName::Http => return None,
    };
    Some(style(config, kind))
}

fn style(config: &UpstreamConfig, kind: StyleKind) -> Style {
    Style {
        path_info: config.quirks.path_info,
        empty_path_info: config.quirks.empty_path_info,
        kind,
    }
}
