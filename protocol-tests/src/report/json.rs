//! Results as one JSON document; `bridgehead-conform matrix` reads it.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::{Report, Results};
use crate::run::Outcome;

/// Writes to anything.
#[derive(Debug)]
pub struct Json<W>(pub W);

impl<W: Write> Report for Json<W> {
    fn finish(&mut self, results: &Results) -> io::Result<()> {
        let subject = &results.subject;
        let document = json!({
            "format": 1,
            "name": subject.name,
            "protocol": subject.protocol,
            "side": subject.side,
            "target": subject.target,
            "seconds": results.took.as_secs_f64(),
            "cases": results.outcomes.iter().map(case).collect::<Vec<_>>(),
        });
        serde_json::to_writer_pretty(&mut self.0, &document)?;
        writeln!(self.0)
    }
}

fn case(outcome: &Outcome) -> Value {
    json!({
        "id": outcome.id,
        "title": outcome.title,
        "spec": outcome.spec,
        "level": outcome.level.name(),
        "result": outcome.word(),
        "verdict": outcome.verdict.word(),
        "detail": outcome.verdict.detail(),
        "observed": outcome.observed,
        "reason": outcome.known,
        "varies": outcome.varies,
        "seconds": outcome.took.as_secs_f64(),
    })
}
