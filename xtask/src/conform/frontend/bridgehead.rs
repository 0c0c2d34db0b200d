//! Bridgehead itself, as it is in the source tree.

use std::path::PathBuf;

use anyhow::Result;
use bridgehead_conform::protocol::Protocol;

use super::Site;

/// Builds it.
///
/// # Errors
///
/// When it does not compile.
pub(in crate::conform) fn build() -> Result<()> {
    testbed::bridgehead().map(drop)
}

/// The program.
pub(in crate::conform) fn program() -> PathBuf {
    testbed::target_dir().join("debug/bridgehead")
}

pub(super) fn config(site: &Site) -> Result<String> {
    let root = testbed::workspace().join("protocol-tests/frontends/site");
    let php = match site.protocol {
        Protocol::FastCgi => format!(
            "[[route]]\npath = \"/php\"\nphp = {{ upstream = \"kit\", root = \"{}\" }}\n",
            root.display()
        ),
        _ => String::new(),
    };
    site.text("bridgehead.toml", &[("php", &php)])
}
