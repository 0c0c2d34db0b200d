//! Prometheus' text format, version 0.0.4, as every collector reads it, and OpenMetrics 1.0 for those that ask.
//!
//! prometheus-client would bring a registry with locks of its own around numbers that we keep elsewhere already, and
//! writes OpenMetrics alone: neither older collectors nor `promtool check metrics` take that for the format of
//! all. Both formats are a page long, and differ in three lines.

use std::fmt::{Display, Write};
use std::time::Duration;

use super::histogram::Distribution;

/// A page of numbers.
#[derive(Debug, Default)]
pub struct Exposition {
    format: Format,
    text: String,
}

/// How it is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Prometheus' own.
    #[default]
    Prometheus,
    /// OpenMetrics.
    OpenMetrics,
}

/// A name and what it says.
pub type Label<'a> = (&'a str, &'a str);

impl Format {
    /// `Content-Type` of the page.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

impl Exposition {
    /// An empty page.
    pub fn new(format: Format) -> Self {
        let text = String::new();
        Self { format, text }
    }

    /// The page.
    pub fn into_string(mut self) -> String {
        if self.format == Format::OpenMetrics {
            self.text.push_str("# EOF\n");
        }
        self.text
    }

    /// Begins a metric: all of its samples follow at once. A name that ends in `_total` only grows.
    pub fn metric(&mut self, name: &str, help: &str) {
        let (name, kind) = match name.strip_suffix("_total") {
            // OpenMetrics names the family, Prometheus the samples.
            Some(family) if self.format == Format::OpenMetrics => (family, "counter"),
            Some(_) => (name, "counter"),
            None => (name, "gauge"),
        };
        self.head(name, kind, help);
    }

    /// A sample of the metric begun last.
    pub fn sample(&mut self, name: &str, labels: &[Label<'_>], value: impl Display) {
        self.text.push_str(name);
        for (at, (label, text)) in labels.iter().enumerate() {
            self.text.push(if at == 0 { '{' } else { ',' });
            self.line(format_args!("{label}=\""));
            self.escaped(text);
            self.text.push('"');
        }
        if !labels.is_empty() {
            self.text.push('}');
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
        for (bound, count) in times.cumulative() {
            let bound = self.bound(bound);
            self.sample(&bucket, &[labels, &[("le", &bound)]].concat(), count);
        }
        self.sample(&bucket, &[labels, &[("le", "+Inf")]].concat(), times.count());
        self.sample(&format!("{name}_sum"), labels, times.sum.as_secs_f64());
        self.sample(&format!("{name}_count"), labels, times.count());
    }

    /// Bounds are texts to collectors: each format has its own, and keeps to it.
    fn bound(&self, bound: Duration) -> String {
        let seconds = bound.as_secs_f64();
        match self.format {
            Format::Prometheus => seconds.to_string(),
            Format::OpenMetrics => format!("{seconds:?}"),
        }
    }

    fn head(&mut self, name: &str, kind: &str, help: &str) {
        self.line(format_args!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
    }

    /// Socket paths may hold anything.
    fn escaped(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '\\' => self.text.push_str("\\\\"),
                '"' => self.text.push_str("\\\""),
                '\n' => self.text.push_str("\\n"),
                c => self.text.push(c),
            }
        }
    }

    fn line(&mut self, text: std::fmt::Arguments<'_>) {
        self.text
            .write_fmt(text)
            .expect("writing to a String cannot fail");
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
        histogram.observe(2_000_000);
        histogram.observe(90_000_000_000);
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

    #[test]
    fn openmetrics_names_families_and_has_an_end() {
        let mut page = Exposition::new(Format::OpenMetrics);
        page.metric("a_total", "Events.");
        page.sample("a_total", &[], 3);
        page.times("t_seconds", "Waits.");
        page.distribution("t_seconds", &[], &Distribution::default());
        let text = page.into_string();
        let start = "# HELP a Events.\n# TYPE a counter\na_total 3\n# HELP t_seconds Waits.\n";
        assert!(text.starts_with(start), "{text}");
        assert!(text.contains("\nt_seconds_bucket{le=\"1.0\"} 0\n"), "{text}");
        assert!(text.ends_with("\nt_seconds_count 0\n# EOF\n"), "{text}");
    }
}
