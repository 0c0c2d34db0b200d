//! Prometheus' text format, version 0.0.4, as every collector reads it.
//!
//! prometheus-client would bring a registry with locks of its own around numbers that we keep elsewhere already; the
//! format is a page long.

use std::fmt::{Display, Write};
use std::time::Duration;

use super::histogram::Distribution;

/// A page of numbers.
#[derive(Debug, Default)]
pub struct Exposition(String);

/// A name and what it says.
pub type Label<'a> = (&'a str, &'a str);

impl Exposition {
    /// `Content-Type` of the page.
    pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

    /// The page.
    pub fn into_string(self) -> String {
        self.0
    }

    /// Begins a metric: all of its samples follow at once. A name that ends in `_total` only grows.
    pub fn metric(&mut self, name: &str, help: &str) {
        let kind = if name.ends_with("_total") {
            "counter"
        } else {
            "gauge"
        };
        self.head(name, kind, help);
    }

    /// A sample of the metric begun last.
    pub fn sample(&mut self, name: &str, labels: &[Label<'_>], value: impl Display) {
        self.0.push_str(name);
        for (at, (label, text)) in labels.iter().enumerate() {
            self.0.push(if at == 0 { '{' } else { ',' });
            self.line(format_args!("{label}=\""));
            self.escaped(text);
            self.0.push('"');
        }
        if !labels.is_empty() {
            self.0.push('}');
        }
        self.line(format_args!(" {value}\n"));
    }

    /// Begins a metric of times.
    pub fn times(&mut self, name: &str, help: &str) {
        self.head(name, "histogram", help);
    }

    /// The times of one of its series.
    pub fn distribution(&mut self, name: &str, labels: &[Label<'_>], times: &Distribution) {
        let bucket = format!("{name}_bucket");
        let seconds = |time: Duration| time.as_secs_f64().to_string();
        for (bound, count) in times.cumulative() {
            self.sample(&bucket, &[labels, &[("le", &seconds(bound))]].concat(), count);
        }
        self.sample(&bucket, &[labels, &[("le", "+Inf")]].concat(), times.count());
        self.sample(&format!("{name}_sum"), labels, seconds(times.sum));
        self.sample(&format!("{name}_count"), labels, times.count());
    }

    fn head(&mut self, name: &str, kind: &str, help: &str) {
        self.line(format_args!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
    }

    /// Socket paths may hold anything.
    fn escaped(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '\\' => self.0.push_str("\\\\"),
                '"' => self.0.push_str("\\\""),
                '\n' => self.0.push_str("\\n"),
                c => self.0.push(c),
            }
        }
    }

    fn line(&mut self, text: std::fmt::Arguments<'_>) {
        self.0.write_fmt(text).expect("writing to a String cannot fail");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::histogram::Histogram;

    #[test]
    fn samples_stand_below_their_metric() {
        let mut page = Exposition::default();
        page.metric("a_total", "Events.");
        page.sample("a_total", &[], 3);
        page.metric("b", "Things now.");
        page.sample("b", &[("x", "1"), ("y", "q\"\\\n")], 0.5);
        assert_eq!(
            page.into_string(),
            "# HELP a_total Events.\n# TYPE a_total counter\na_total 3\n\
             # HELP b Things now.\n# TYPE b gauge\nb{x=\"1\",y=\"q\\\"\\\\\\n\"} 0.5\n"
        );
    }

    #[test]
    fn times_are_in_seconds_and_cumulative() {
        let histogram = Histogram::default();
        histogram.observe(Duration::from_millis(2));
        histogram.observe(Duration::from_secs(90));
        let mut page = Exposition::default();
        page.times("t_seconds", "Waits.");
        page.distribution("t_seconds", &[("u", "php")], &histogram.distribution());
        let text = page.into_string();
        for line in [
            "# TYPE t_seconds histogram",
            "t_seconds_bucket{u=\"php\",le=\"0.001\"} 0",
            "t_seconds_bucket{u=\"php\",le=\"0.0025\"} 1",
            "t_seconds_bucket{u=\"php\",le=\"60\"} 1",
            "t_seconds_bucket{u=\"php\",le=\"+Inf\"} 2",
            "t_seconds_sum{u=\"php\"} 90.002",
            "t_seconds_count{u=\"php\"} 2",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}
