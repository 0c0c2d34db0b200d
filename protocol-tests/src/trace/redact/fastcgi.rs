//! Records: variables by their names, heads in STDOUT, everything else that belongs to an application.

use std::collections::BTreeMap;

use super::message::Message;
use super::vars::Vars;

/// Records of one direction.
#[derive(Debug, Default)]
pub(super) struct FastCgi {
    header: Vec<u8>,
    content: usize,
    padding: usize,
    /// Of the ids in use.
    variables: BTreeMap<u16, Vars>,
    output: BTreeMap<u16, Message>,
}

impl FastCgi {
    pub(super) fn is_secret(&mut self, byte: u8) -> bool {
        if self.content == 0 && self.padding == 0 {
            self.take_header(byte);
            return false;
        }
        if self.content == 0 {
            self.padding -= 1;
            self.finish();
            return false;
        }
        self.content -= 1;
        let secret = self.is_secret_content(byte);
        self.finish();
        secret
    }

    fn take_header(&mut self, byte: u8) {
        self.header.push(byte);
        if let [_, _, _, _, high, low, padding, _] = *self.header.as_slice() {
            self.content = u16::from_be_bytes([high, low]).into();
            self.padding = padding.into();
            self.finish();
        }
    }

    /// The next header begins when nothing of this record is left.
    fn finish(&mut self) {
        if self.content == 0 && self.padding == 0 {
            self.header.clear();
        }
    }

    fn is_secret_content(&mut self, byte: u8) -> bool {
        let [_, kind, high, low, ..] = *self.header.as_slice() else {
            return true;
        };
        let id = u16::from_be_bytes([high, low]);
        match kind {
            BEGIN | END => {
                self.variables.remove(&id);
                self.output.remove(&id);
                false
            }
            GET_VALUES | GET_VALUES_RESULT | UNKNOWN_TYPE => false,
            PARAMS if has_room(&self.variables, id) => {
                let variables = self.variables.entry(id).or_insert_with(Vars::fastcgi);
                variables.is_secret(byte)
            }
            STDOUT if has_room(&self.output, id) => {
                let output = self.output.entry(id).or_insert_with(Message::once);
                output.is_secret(byte)
            }
            _ => true,
        }
    }
}

fn has_room<T>(known: &BTreeMap<u16, T>, id: u16) -> bool {
    known.len() < MAX_IDS || known.contains_key(&id)
}

const BEGIN: u8 = 1;
const END: u8 = 3;
const PARAMS: u8 = 4;
const STDOUT: u8 = 6;
const GET_VALUES: u8 = 9;
const GET_VALUES_RESULT: u8 = 10;
const UNKNOWN_TYPE: u8 = 11;

const MAX_IDS: usize = 1024; // requests at once; of more, everything is blanked
