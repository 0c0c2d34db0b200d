//! The gateway inside another program.
//!
//! `cargo run --example embed`, then `curl http://127.0.0.1:8081/healthz`. Ends with Ctrl-C, after the requests
//! that are under way.

use anyhow::{Context, Result};
use bridgehead::app::{App, Ended};
use bridgehead::config;

/// The same text as in a configuration file; `${PORT}` comes from below instead of the environment.
const CONFIG: &str = r#"
[log]
access = "stdout"

[[listen]]
address = "127.0.0.1:${PORT}"

[upstream.app]
protocol = "fastcgi"
endpoints = ["unix:/tmp/app.sock"]      # cargo run --example fastcgi_app -- /tmp/app.sock
max_connections = 1

[[route]]
path = "/"
proxy = { upstream = "app" }

[[route]]
path = "/healthz"
respond = { status = 200, body = "embedded and well\n" }
"#;

#[tokio::main]
async fn main() -> Result<()> {
    let port = std::env::args().nth(1).unwrap_or_else(|| "8081".to_owned());
    let variables = |name: &str| (name == "PORT").then(|| port.clone());
    let (config, warnings) = config::parse("embed.rs", CONFIG, &variables)
        .map_err(|failure| anyhow::anyhow!(failure.render(false)))?;
    for warning in warnings {
        eprintln!("{}", warning.render(false));
    }
    let app = App::build(config).await.context("the gateway cannot start")?;
    for address in app.addresses() {
        println!("listening on {address}");
    }
    let stop = async {
        // Without a signal handler it could only be killed, which ends it as well.
        let _ = tokio::signal::ctrl_c().await;
    };
    match app.run_until(stop).await {
        Ended::Drained => println!("every request was answered"),
        Ended::Cut(connections) => println!("{connections} connections were cut"),
    }
    Ok(())
}
