//! One application, as the rest of the program sees it.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::config::AppConfig;
use super::driver::{Command, Driver};
use super::launch::Helper;
use super::outcome::Outcome;
use super::runtime_dir::RuntimeDir;
use super::traffic::{Place, Traffic};

/// An application that runs, over all its generations. Dropped: its processes are killed.
#[derive(Debug)]
pub struct Application {
    config: Arc<AppConfig>,
    commands: mpsc::UnboundedSender<Command>,
    place: watch::Receiver<Option<Place>>,
    task: JoinHandle<()>,
}

impl Application {
    /// Starts an application. To be called inside a tokio runtime, which the application does not outlive.
    pub fn start<T: Traffic>(
        config: AppConfig,
        helper: &Helper,
        dir: &Arc<RuntimeDir>,
        traffic: &Arc<T>,
    ) -> Self {
        let config = Arc::new(config);
        let (commands, receiver) = mpsc::unbounded_channel();
        let (publish, place) = watch::channel(None);
        let driver = Driver::new(
            config.clone(),
            helper.clone(),
            dir.clone(),
            traffic.clone(),
            publish,
        );
        let application = Self {
            config,
            commands,
            place,
            task: tokio::spawn(driver.run(receiver)),
        };
        application.send(Command::Renew(application.config.clone(), None));
        application
    }

    /// Its settings.
    pub fn config(&self) -> &AppConfig {
        &self.config
    }

    /// Starts another generation, with these settings, which takes over when it is ready. `outcome` hears of it.
    pub fn renew(&mut self, config: AppConfig, outcome: Option<Outcome>) {
        self.config = Arc::new(config);
        self.send(Command::Renew(self.config.clone(), outcome));
    }

    /// Where requests go now; `None` while there is nothing that answers.
    pub fn place(&self) -> watch::Receiver<Option<Place>> {
        self.place.clone()
    }

    /// Ends all its processes: asks them, and kills them at the deadline of their settings.
    pub async fn stop(mut self) {
        self.send(Command::Stop);
        // A panic there has been told.
        let _ = (&mut self.task).await;
    }

    fn send(&self, command: Command) {
        // It hears until it is stopped.
        let _ = self.commands.send(command);
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        self.task.abort();
    }
}
