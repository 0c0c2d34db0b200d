//! Case files out of connections that were recorded, in the notation of the kit.
//!
//! A draft plays what was sent again, in the same pieces, and expects what was answered. What the notation has words
//! for is written in them, everything else in hex; each piece is coded once more here, and must give the same bytes.

mod body;
mod collect;
mod fastcgi;
mod frontend;
mod piece;
mod play;
mod quote;
mod server;
mod vars;

pub use body::Bodies;
pub use collect::{BadRecording, Collector, Recorded};

use crate::notation::SideName;
use crate::protocol::Protocol;

use piece::Piece;
use play::Stream;

/// A case file.
#[derive(Clone, Debug)]
pub struct Draft {
    /// All of it.
    pub text: String,
    /// Cases in it.
    pub count: usize,
}

/// What is wanted of a draft.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    /// Whom the cases are to test.
    pub side: SideName,
    /// What their ids begin with.
    pub prefix: &'a str,
    /// How exactly servers must give the same bodies.
    pub bodies: Bodies,
}

/// A case, or why there is none.
type Drafted = Result<Vec<String>, String>;

impl Draft {
    /// A case of each connection, for servers or for front ends. Of blanked bodies only the lengths are expected.
    ///
    /// # Errors
    ///
    /// When the connections are of HTTP: that has no side of an application.
    pub fn new(recorded: &Recorded, wish: Wish<'_>) -> Result<Self, BadRecording> {
        if recorded.protocol == Protocol::Http {
            return Err(BadRecording::Http);
        }
        let mut draft = Self {
            text: head(recorded, wish.side),
            count: 0,
        };
        let bodies = if recorded.redacted {
            Bodies::Lengths
        } else {
            wish.bodies
        };
        for connection in &recorded.connections {
            let number = connection.number;
            let id = format!("{}-{number}", wish.prefix);
            let drafted = match wish.side {
                SideName::Server => server::draft(recorded.protocol, connection, &id, bodies),
                SideName::Frontend => frontend::draft(recorded.protocol, connection, &id),
            };
            match drafted {
                Ok(cases) => {
                    draft.count += cases.len();
                    draft.text.extend(cases);
                }
                Err(why) => draft
                    .text
                    .push_str(&format!("\n# Connection {number} makes no case: {why}.\n")),
            }
        }
        Ok(draft)
    }
}

fn head(recorded: &Recorded, side: SideName) -> String {
    let secrets = match recorded.redacted {
        true => "# Secrets and bodies are blanked: give them values that the target accepts.\n",
        false => "",
    };
    format!(
        "# Recorded. What changes from one answer to the next has to be taken out of the expectations.\n{secrets}\n\
         protocol = \"{}\"\nside = \"{}\"\n",
        recorded.protocol,
        side.name()
    )
}

/// What a direction consists of.
fn pieces(protocol: Protocol, stream: &Stream, is_request: bool) -> Vec<Piece> {
    let bytes = stream.bytes();
    let pieces = match (protocol, is_request) {
        (Protocol::FastCgi, _) => fastcgi::pieces(bytes),
        (_, true) => vars::request(protocol, bytes),
        (_, false) => vars::answer(bytes),
    };
    piece::checked(protocol, bytes, pieces)
}

#[cfg(test)]
mod tests;
