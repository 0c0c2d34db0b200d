//! Where and with what was measured.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};

/// Lines of Markdown: date, machine, versions.
///
/// # Errors
///
/// When a program of Debian that tells us is missing.
pub(crate) fn describe() -> Result<String> {
    let cpu = fs::read_to_string("/proc/cpuinfo").context("cannot read /proc/cpuinfo")?;
    let cores = cpu.lines().filter(|line| line.starts_with("processor")).count();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name"));
    let model = model.map_or("CPU", |name| name.trim_start_matches([' ', '\t', ':']));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let load = fs::read_to_string("/proc/loadavg")?;
    Ok(format!(
        "- Date: {}\n- Machine: {model}, {cores} cores, Linux {}; load average {} (the load generator and the \
         backends run on the same cores)\n- Bridgehead: commit {}, profile `dist`, {}\n- Peers and tools: {}\n",
        said("date", &["-u", "+%F %H:%M UTC"])?,
        kernel.trim(),
        load.split(' ').take(3).collect::<Vec<_>>().join(" "),
        said("git", &["describe", "--always", "--dirty", "--exclude=*"])?,
        said("rustc", &["--version"])?,
        packages()?,
    ))
}

fn packages() -> Result<String> {
    let mut arguments = vec!["--show", "--showformat=${Package} ${Version}\\n"];
    arguments.extend(["nginx", "php8.2-fpm", "uwsgi-core", "valgrind", "strace"]);
    Ok(said("dpkg-query", &arguments)?.replace('\n', ", "))
}

fn said(program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(testbed::workspace())
        .output()
        .with_context(|| format!("cannot run {program}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
