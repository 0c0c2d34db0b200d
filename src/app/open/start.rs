//! What a gateway opens before it serves.

use anyhow::Result;

use super::dns;
use super::listeners::Listeners;
use super::material::{self, material};
use super::opening::Opener;
use super::pid_file::PidFile;
use super::progress::Progress;
use super::roots::{roots, users};
use super::{app_dir, log, temp_dir, warnings};
use crate::acme::dns::DnsSockets;
use crate::app::identity::Identity;
use crate::app::own::Own;
use crate::app::{site_logs, threads};
use crate::config::Config;
use crate::files::Root;
use crate::process::RuntimeDir;
use crate::telemetry::Opened;
use crate::telemetry::config::Target;
use crate::telemetry::log::{ErrorLog, LogError};
use crate::transport::Inherited;
use crate::transport::tls::Material;

/// What a start has opened.
#[derive(Debug)]
pub(in crate::app) struct Start {
    pub(in crate::app) config: Config,
    pub(in crate::app) access: Option<Opened>,
    /// Access logs of routes.
    pub(in crate::app) route_logs: Vec<(Target, Opened)>,
    pub(in crate::app) listeners: Listeners,
    pub(in crate::app) roots: Vec<Option<Root>>,
    pub(in crate::app) material: Material,
    pub(in crate::app) own: Own,
    pub(in crate::app) dns: DnsSockets,
    pub(in crate::app) pid_file: Option<PidFile>,
    /// Inherited, and no listener has its address.
    pub(in crate::app) left: Inherited,
    /// For applications, if there are any.
    pub(in crate::app) app_dir: Option<RuntimeDir>,
}

impl Start {
    /// Opens everything that a configuration names and no other process has `left`, and gives up privileges on the way.
    pub(in crate::app) fn open(
        mut config: Config,
        mut left: Inherited,
        dns: DnsSockets,
        progress: &Progress,
    ) -> Result<Self> {
        let identity = identity(&config, progress)?;
        let access = log::ACCESS.open(&config.log.access, identity.as_ref(), progress)?;
        let wanted = site_logs::targets(&config);
        let route_logs = log::OF_ROUTE.open_all(wanted, &[], identity.as_ref(), progress)?;
        // As root: on most systems no other user may read keys.
        let configured = material(&config, &Material::default(), progress)?;
        let own = material::own(&mut config, &configured, identity.as_ref(), progress)?;
        // They know of their certificates from now on.
        let listeners = Listeners::open(&[], &config.frontend.listeners, &mut left, progress)?;
        let dns = dns::open(&config.acme, dns, progress)?;
        let early = match &identity {
            Some(identity) => become_user(&config, identity, progress)?,
            None => None,
        };
        let material = material::with_own(&config, &own, configured, progress)?;
        users(&config.frontend.routes, progress)?;
        let roots = roots(&config.frontend.routes, config.server.file_cache, progress)?;
        temp_dir::probe(&config.server.spool, progress)?;
        let app_dir = app_dir::make(&config, progress)?;
        warnings::tell(&config, &[], (&own, &material), progress);
        let pid_file = match early {
            None => PidFile::open(&config, None, progress)?,
            written => written,
        };
        Ok(Self {
            config,
            access,
            route_logs,
            listeners,
            roots,
            material,
            own,
            dns,
            pid_file,
            left,
            app_dir,
        })
    }
}

/// Opens the error log of a gateway that starts, and has it receive all events from now on.
///
/// # Errors
///
/// When its target cannot be opened within `timeouts.open`, or there is an error log already.
pub async fn open_error_log(config: &Config) -> Result<ErrorLog> {
    let (limit, config) = (config.frontend.timeouts.open, config.clone());
    let opening = Opener::default().begin(limit, move |progress| {
        let identity = identity(&config, progress)?;
        log::error_log(&config.log, identity.as_ref(), progress)
    })?;
    ErrorLog::install(opening.outcome().await?).map_err(|error| match error {
        LogError::Start(error) => threads::failed("the error log", error),
        error => error.into(),
    })
}

/// Becomes the user of `[server]`. The pid file is written before that, in a directory that may be root's.
fn become_user(config: &Config, identity: &Identity, progress: &Progress) -> Result<Option<PidFile>> {
    let pid_file = PidFile::open(config, Some(identity), progress)?;
    identity.assume()?;
    let (user, group) = (config.server.user.as_deref(), config.server.group.as_deref());
    tracing::info!(user, group, "privileges given up");
    Ok(pid_file)
}

fn identity(config: &Config, progress: &Progress) -> Result<Option<Identity>> {
    let (user, group) = (config.server.user.as_deref(), config.server.group.as_deref());
    let names = [user, group].into_iter().flatten().collect::<Vec<_>>();
    progress.at("the account", "[server] user and group", names.join(":"));
    Identity::find(user, group)
}
