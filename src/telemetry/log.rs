//! The error log: `tracing` events above a level, as lines.

use std::io::{self, IsTerminal};

use tracing::{Level, Subscriber};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{Registry, fmt, reload};

use super::config::Target;
use super::sink::{Guard, Opened, Sink};

/// The installed error log. To be held until the process ends: dropping it writes out what waits.
pub struct ErrorLog {
    sink: Sink,
    change: Change,
    _guard: Guard,
}

/// Sets the lowest level, and whether there are colours.
type Change = Box<dyn Fn(LevelFilter, bool) + Send + Sync>;

/// What an error log is going to be; everything that can fail has succeeded.
#[derive(Debug)]
pub struct PreparedErrorLog {
    opened: Opened,
    level: LevelFilter,
    colour: bool,
}

/// Why there is no error log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// Its thread cannot be started.
    #[error("cannot start the error log")]
    Start(#[source] io::Error),
    /// There is one already.
    #[error("an error log is installed already")]
    Installed(#[source] tracing::subscriber::SetGlobalDefaultError),
}

impl ErrorLog {
    /// Receives all events of the process from now on.
    pub fn install(prepared: PreparedErrorLog) -> Result<Self, LogError> {
        let PreparedErrorLog {
            opened,
            level,
            colour,
        } = prepared;
        let (sink, guard) = Sink::start(opened).map_err(LogError::Start)?;
        let (subscriber, change) = changeable(sink.clone(), level, colour);
        tracing::subscriber::set_global_default(subscriber).map_err(LogError::Installed)?;
        Ok(Self {
            sink,
            change,
            _guard: guard,
        })
    }

    /// Where its lines go.
    pub fn sink(&self) -> &Sink {
        &self.sink
    }

    /// Goes on with another target and level.
    pub fn switch(&self, to: PreparedErrorLog) {
        self.sink.switch(to.opened);
        (self.change)(to.level, to.colour);
    }

    /// Lines lost so far.
    pub fn dropped(&self) -> u64 {
        self.sink.dropped()
    }
}

impl PreparedErrorLog {
    /// A log to a target that was opened, of events from `level` up; nothing was opened for one that is off.
    pub fn new(target: &Target, opened: Option<Opened>, level: Level) -> io::Result<Self> {
        Ok(Self {
            level: match opened {
                Some(_) => LevelFilter::from_level(level),
                None => LevelFilter::OFF,
            },
            opened: opened.map_or_else(Opened::null, Ok)?,
            colour: is_coloured(target),
        })
    }
}

impl std::fmt::Debug for ErrorLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ErrorLog")
            .field("sink", &self.sink)
            .finish_non_exhaustive()
    }
}

/// Writes events from `level` up to a sink, one line each; `colour` for terminals.
pub fn subscriber(sink: Sink, level: Level, colour: bool) -> impl Subscriber + Send + Sync {
    changeable(sink, LevelFilter::from_level(level), colour).0
}

/// The same, and how to change it.
fn changeable(
    sink: Sink,
    level: LevelFilter,
    colour: bool,
) -> (impl Subscriber + Send + Sync + use<>, Change) {
    let (filter, levels) = reload::Layer::new(level);
    let lines = fmt::layer()
        .with_writer(Lines(sink))
        .with_ansi(colour)
        .with_target(false);
    let (lines, colours) = reload::Layer::new(lines);
    let subscriber = Registry::default().with(filter).with(lines);
    let change = move |level, colour| {
        // Fails only for a subscriber that is gone, and then it is not missed.
        let _ = levels.reload(level);
        let _ = colours.modify(|lines| lines.set_ansi(colour));
    };
    (subscriber, Box::new(change))
}

/// Where lines are written to.
struct Lines(Sink);

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Sink;

    fn make_writer(&'a self) -> Sink {
        self.0.clone()
    }
}

/// Whether lines have colours: on terminals whose user does not object (no-color.org).
fn is_coloured(target: &Target) -> bool {
    if std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) {
        return false;
    }
    match target {
        Target::Stdout => io::stdout().is_terminal(),
        Target::Stderr => io::stderr().is_terminal(),
        Target::File(_) | Target::Syslog(_) | Target::Off => false,
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn events_from_the_level_up_become_lines() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("error.log");
        let (sink, guard) = Sink::start(Opened::new(File::create(&path).unwrap(), "a file")).unwrap();
        tracing::subscriber::with_default(subscriber(sink, Level::WARN, false), || {
            tracing::info!("unseen");
            tracing::warn!(endpoint = "unix:/run/x", forged = "a\x1b[31m", "upstream failed");
        });
        drop(guard);
        let text = std::fs::read_to_string(path).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(
            text.contains("WARN upstream failed endpoint=\"unix:/run/x\""),
            "{text}"
        );
        assert!(!text.contains('\x1b'), "{text}");
    }

    #[test]
    fn target_and_level_can_be_changed() {
        let dir = tempfile::tempdir().unwrap();
        let open = |name| Opened::new(File::create(dir.path().join(name)).unwrap(), "a file");
        let prepared = |opened, level| PreparedErrorLog::new(&Target::Off, opened, level).unwrap();
        let (sink, guard) = Sink::start(open("first")).unwrap();
        let (subscriber, change) = changeable(sink.clone(), LevelFilter::INFO, false);
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!("one");
            let PreparedErrorLog { opened, level, .. } = prepared(Some(open("second")), Level::ERROR);
            sink.switch(opened);
            change(level, false);
            tracing::info!("unseen");
            tracing::error!("two");
            change(prepared(None, Level::INFO).level, false);
            tracing::error!("unseen");
        });
        drop(guard);
        for (name, word) in [("first", "one"), ("second", "two")] {
            let text = std::fs::read_to_string(dir.path().join(name)).unwrap();
            assert!(text.lines().count() == 1 && text.contains(word), "{text}");
        }
    }
}
