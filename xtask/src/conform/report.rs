pub(super) fn write() -> anyhow::Result<()> {
    anyhow::bail!("later")
}
