//! Active checks, and how many workers there are.

use super::{Out, name, period, quote};
use crate::upstream::model::config::health::{Health, Probe, Request};
use crate::upstream::model::config::slots::{Ask, Auto, Slots};

/// `max_connections` and `auto`.
pub(super) fn slots(slots: &Slots, out: &mut Out) {
    match slots {
        Slots::Unlimited => {}
        Slots::Fixed(slots) => out.plain("max_connections", slots),
        Slots::Auto(auto) => self::auto(auto, out),
    }
}

fn auto(auto: &Auto, out: &mut Out) {
    let Auto {
        ask,
        least,
        most,
        interval,
    } = auto;
    out.text("max_connections", "auto");
    let mut keys = vec![("ask", quote(ask.as_str()))];
    if let Ask::FpmStatus(path) = ask {
        keys.push(("status_path", quote(&path.to_string())));
    }
    keys.push(("interval", period(*interval)));
    keys.push(("min", least.to_string()));
    keys.push(("max", most.to_string()));
    out.table("auto", &keys);
}

/// `health`.
pub(super) fn print(health: &Health, out: &mut Out) {
    let Health {
        probe,
        interval,
        timeout,
        rise,
        fall,
        silence,
    } = health;
    let mut keys = vec![
        ("kind", quote(probe.kind())),
        ("interval", period(*interval)),
        ("timeout", period(*timeout)),
        ("rise", rise.to_string()),
        ("fall", fall.to_string()),
        ("silence", name(*silence)),
    ];
    match probe {
        Probe::Connect | Probe::GetValues | Probe::UwsgiPing => {}
        Probe::FpmPing(path) => keys.push(("path", quote(&path.to_string()))),
        Probe::Request(request) => keys.extend(self::request(request)),
    }
    out.table("health", &keys);
}

fn request(request: &Request) -> Vec<(&'static str, String)> {
    let Request {
        head_only,
        path,
        host,
        script,
        status,
        busy_status,
        body,
    } = request;
    let mut keys = vec![
        ("method", quote(if *head_only { "HEAD" } else { "GET" })),
        ("path", quote(&path.to_string())),
        ("host", quote(&String::from_utf8_lossy(host))),
        ("status", quote(&status.to_string())),
    ];
    let busy_status = (!busy_status.is_empty()).then(|| busy_status.to_string());
    let optional = [
        ("busy_status", busy_status),
        ("script", script.clone()),
        ("body", body.clone()),
    ];
    keys.extend(
        optional
            .into_iter()
            .filter_map(|(key, text)| Some((key, quote(&text?)))),
    );
    keys
}
