//! placeholder
pub(crate) fn run(_names: &[String]) -> anyhow::Result<()> {
    anyhow::bail!("not yet")
}
