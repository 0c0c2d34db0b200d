//! What a running gateway opens for another configuration.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;

use super::dns;
use super::listeners::{Listeners, Open};
use super::material::{self, material};
use super::progress::Progress;
use super::roots::{roots, users};
use super::{app_dir, log, temp_dir, warnings};
use crate::acme::dns::DnsSockets;
use crate::app::own::Own;
use crate::app::site_logs;
use crate::config::{Config, Server};
use crate::files::Root;
use crate::process::RuntimeDir;
use crate::telemetry::Opened;
use crate::telemetry::config::Target;
use crate::telemetry::log::PreparedErrorLog;
use crate::transport::Inherited;
use crate::transport::tls::Material;

/// Where a configuration comes from.
#[derive(Clone)]
pub struct Source {
    /// The file, for messages.
    pub file: PathBuf,
    /// Reads it.
    pub load: Arc<dyn Fn() -> Result<Config> + Send + Sync>,
}

/// What is open already, and stays if the next configuration wants the same.
#[derive(Debug)]
pub(in crate::app) struct Held {
    pub(in crate::app) config: Config,
    /// Where is listened, in the order of the server.
    pub(in crate::app) listening: Vec<Open>,
    /// The access logs of routes.
    pub(in crate::app) route_logs: Vec<Target>,
    /// Whether the error log is ours to change.
    pub(in crate::app) error_log: bool,
    /// What the files of TLS held.
    pub(in crate::app) material: Material,
    /// Where questions of the DNS come.
    pub(in crate::app) dns: DnsSockets,
    /// Whether there is a directory for what applications need.
    pub(in crate::app) has_app_dir: bool,
}

/// What a reload has opened; nothing has changed yet.
#[derive(Debug)]
pub(in crate::app) struct Reload {
    pub(in crate::app) config: Config,
    /// Where the access log goes, when that changes.
    pub(in crate::app) access: Option<Option<Opened>>,
    /// Access logs of routes that were not open.
    pub(in crate::app) route_logs: Vec<(Target, Opened)>,
    /// What the error log becomes, when that changes.
    pub(in crate::app) error: Option<PreparedErrorLog>,
    pub(in crate::app) listeners: Listeners,
    pub(in crate::app) roots: Vec<Option<Root>>,
    pub(in crate::app) material: Material,
    pub(in crate::app) own: Own,
    /// Where questions of the DNS come, when that changes.
    pub(in crate::app) dns: Option<DnsSockets>,
    /// For the first applications that there are.
    pub(in crate::app) app_dir: Option<RuntimeDir>,
}

impl Reload {
    /// Reads the configuration again, and opens what it wants and is not open.
    pub(in crate::app) fn open(source: &Source, held: &Held, progress: &Progress) -> Result<Self> {
        progress.at("the configuration", "serve -c", source.file.display());
        let mut config = (source.load)()?;
        keep_what_needs_a_restart(&held.config.server, &mut config.server);
        let (old, new) = (&held.config.log, &config.log);
        let changed = held.error_log && (&old.error, old.level) != (&new.error, new.level);
        let error = changed.then(|| log::error_log(new, None, progress)).transpose()?;
        let changed = old.access != new.access;
        let access = changed.then(|| log::ACCESS.open(&new.access, None, progress));
        let access = access.transpose()?;
        let wanted = site_logs::targets(&config);
        let route_logs = log::OF_ROUTE.open_all(wanted, &held.route_logs, None, progress)?;
        users(&config.frontend.routes, progress)?;
        let roots = roots(&config.frontend.routes, config.server.file_cache, progress)?;
        let configured = material(&config, &held.material, progress)?;
        let own = material::own(&mut config, &configured, None, progress)?;
        let material = material::with_own(&config, &own, configured, progress)?;
        let dns = dns::open_next(&config.acme, &held.dns, progress)?;
        let (old, new) = (&held.config.server.spool, &config.server.spool);
        match temp_dir::probe(new, progress) {
            Err(error) if old.temp_dir == new.temp_dir => tracing::warn!("{error:#}"),
            probed => probed?,
        }
        let nothing = &mut Inherited::default();
        let listeners = Listeners::open(&held.listening, &config.frontend.listeners, nothing, progress)?;
        let app_dir = match held.has_app_dir {
            true => None,
            false => app_dir::make(&config, progress)?,
        };
        warnings::tell(&config, &held.config.upstreams, (&own, &material), progress);
        Ok(Self {
            config,
            access,
            route_logs,
            error,
            listeners,
            roots,
            material,
            own,
            dns,
            app_dir,
        })
    }
}

/// These are as they were when the process started, and that is told each time.
fn keep_what_needs_a_restart(old: &Server, new: &mut Server) {
    let Server {
        workers,
        spool: _,
        resolver: _,
        pid_file,
        user,
        group,
        // Each generation has its own.
        file_cache: _,
    } = old;
    let changed = [
        ("workers", new.workers != *workers),
        ("pid_file", new.pid_file != *pid_file),
        ("user", new.user != *user),
        ("group", new.group != *group),
    ];
    for (setting, _) in changed.iter().filter(|(_, changed)| *changed) {
        tracing::warn!(setting, "the change takes effect after SIGUSR2 or a restart");
    }
    new.workers = *workers;
    new.pid_file.clone_from(pid_file);
    new.user.clone_from(user);
    new.group.clone_from(group);
}
