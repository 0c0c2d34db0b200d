//! How a server is started.

/// How many workers a server gets, and what else its configuration or command line says.
#[derive(Clone, Debug)]
pub struct Options {
    /// Worker processes.
    pub workers: usize,
    /// Threads of each worker; only uWSGI and Gunicorn have them.
    pub threads: usize,
    /// PHP-FPM: lines for the pool section. Everything else: command line arguments, after ours. The last one wins.
    pub extra: Vec<String>,
    /// Environment variables. Servers start with an environment that holds nothing but these, `PATH` and `LANG`.
    pub env: Vec<(String, String)>,
    /// A copy of `examples/apps` to serve instead of the one in the source tree.
    pub apps: Option<std::path::PathBuf>,
    /// A directory with an `index.php` or an `app.py` to serve instead of those.
    pub app: Option<std::path::PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            workers: 4,
            threads: 1,
            extra: Vec::new(),
            env: Vec::new(),
            apps: None,
            app: None,
        }
    }
}
