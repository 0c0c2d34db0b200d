//! Requests as a backend sees them, decoded without the gateway's codecs.

use std::io::{self, Read};

use anyhow::{Context, Result, bail, ensure};

/// A FastCGI record as received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its type: 1 BEGIN_REQUEST, 4 PARAMS, 5 STDIN, ...
    pub kind: u8,
    /// Request id.
    pub id: u16,
    /// Content.
    pub content: Vec<u8>,
    /// Length of the padding.
    pub padding: u8,
}

/// A request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScriptedRequest {
    /// Variables, or header fields with names in lower case (HTTP), in the order received.
    pub params: Vec<(String, String)>,
    /// The same byte for byte: names with their letters, values without the white space around them.
    pub fields: Vec<(Vec<u8>, Vec<u8>)>,
    /// Body.
    pub body: Vec<u8>,
    /// FastCGI: request id.
    pub id: u16,
    /// FastCGI: whether the connection is to be kept.
    pub keep: bool,
    /// FastCGI: every record.
    pub records: Vec<Record>,
    /// uwsgi: the two modifiers.
    pub modifiers: (u8, u8),
    /// HTTP: the request line.
    pub line: String,
}

impl ScriptedRequest {
    /// Takes variables.
    fn take(&mut self, variables: Vec<(Vec<u8>, Vec<u8>)>) {
        let text = |(name, value): &(Vec<u8>, Vec<u8>)| (lossy(name), lossy(value));
        self.params = variables.iter().map(text).collect();
        self.fields = variables;
    }

    /// The first value of a variable.
    pub fn param(&self, name: &str) -> Option<&str> {
        let mut values = self.params.iter().filter(|(own, _)| own == name);
        values.next().map(|(_, value)| value.as_str())
    }
}

pub(super) fn record(input: &mut impl Read) -> Result<Record> {
    let mut header = [0; 8];
    input.read_exact(&mut header).context("no record")?;
    let [version, kind, id_high, id_low, high, low, padding, _] = header;
    ensure!(version == 1, "record of version {version}");
    let content = exactly(input, u16::from_be_bytes([high, low]).into())?;
    exactly(input, padding.into())?;
    Ok(Record {
        kind,
        id: u16::from_be_bytes([id_high, id_low]),
        content,
        padding,
    })
}

/// Until the empty STDIN record.
pub(super) fn fastcgi(input: &mut impl Read) -> Result<ScriptedRequest> {
    let mut request = ScriptedRequest::default();
    let mut params = Vec::new();
    loop {
        let record = record(input)?;
        match record.kind {
            BEGIN_REQUEST => {
                request.id = record.id;
                request.keep = record.content.get(2).is_some_and(|flags| flags & 1 == 1);
            }
            PARAMS => params.extend_from_slice(&record.content),
            STDIN => request.body.extend_from_slice(&record.content),
            other => bail!("record of type {other}"),
        }
        let is_last = record.kind == STDIN && record.content.is_empty();
        request.records.push(record);
        if is_last {
            request.take(pairs(&params)?);
            return Ok(request);
        }
    }
}

pub(super) fn uwsgi(input: &mut impl Read) -> Result<ScriptedRequest> {
    let mut header = [0; 4];
    input.read_exact(&mut header).context("no packet")?;
    let [modifier1, low, high, modifier2] = header;
    let block = exactly(input, u16::from_le_bytes([low, high]).into())?;
    let mut rest = block.as_slice();
    let mut params = Vec::new();
    while !rest.is_empty() {
        let name = string(&mut rest)?;
        params.push((name, string(&mut rest)?));
    }
    with_body(input, params, (modifier1, modifier2))
}

pub(super) fn scgi(input: &mut impl Read) -> Result<ScriptedRequest> {
    let length = lossy(&until(input, b':')?).parse()?;
    let block = exactly(input, length)?;
    ensure!(exactly(input, 1)? == b",", "netstring without its comma");
    let mut fields = block.split(|byte| *byte == 0).map(<[u8]>::to_vec);
    let mut params = Vec::new();
    while let (Some(name), Some(value)) = (fields.next(), fields.next()) {
        params.push((name, value));
    }
    with_body(input, params, (0, 0))
}

/// HTTP/1 with a length, chunks or no body.
pub(super) fn http(input: &mut impl Read) -> Result<ScriptedRequest> {
    let mut request = ScriptedRequest {
        line: lossy(&line(input)?),
        ..ScriptedRequest::default()
    };
    loop {
        let field = line(input)?;
        if field.is_empty() {
            break;
        }
        let colon = field.iter().position(|byte| *byte == b':');
        let colon = colon.with_context(|| format!("field {:?}", lossy(&field)))?;
        let (name, value) = (&field[..colon], field[colon + 1..].trim_ascii());
        request
            .params
            .push((lossy(name).to_ascii_lowercase(), lossy(value)));
        request.fields.push((name.to_vec(), value.to_vec()));
    }
    if request.param("transfer-encoding").is_some() {
        while let size @ 1.. = usize::from_str_radix(&lossy(&line(input)?), 16)? {
            request.body.extend(exactly(input, size)?);
            line(input)?;
        }
        line(input)?;
    } else if let Some(length) = request.param("content-length") {
        request.body = exactly(input, length.parse()?)?;
    }
    Ok(request)
}

fn with_body(
    input: &mut impl Read,
    variables: Vec<(Vec<u8>, Vec<u8>)>,
    modifiers: (u8, u8),
) -> Result<ScriptedRequest> {
    let mut request = ScriptedRequest {
        modifiers,
        ..ScriptedRequest::default()
    };
    request.take(variables);
    let length = request.param("CONTENT_LENGTH").unwrap_or_default();
    if !length.is_empty() {
        request.body = exactly(input, length.parse()?)?;
    }
    Ok(request)
}

/// FastCGI name-value pairs.
fn pairs(mut block: &[u8]) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
    let mut params = Vec::new();
    while !block.is_empty() {
        let name = length(&mut block)?;
        let value = length(&mut block)?;
        let name = exactly(&mut block, name)?;
        params.push((name, exactly(&mut block, value)?));
    }
    Ok(params)
}

fn length(block: &mut &[u8]) -> Result<usize> {
    let first = exactly(block, 1)?[0];
    if first < 0x80 {
        return Ok(first.into());
    }
    let rest = exactly(block, 3)?;
    Ok(u32::from_be_bytes([first & 0x7f, rest[0], rest[1], rest[2]]).try_into()?)
}

/// uwsgi: a string behind its length.
fn string(block: &mut &[u8]) -> Result<Vec<u8>> {
    let length = exactly(block, 2)?;
    let length = u16::from_le_bytes([length[0], length[1]]);
    Ok(exactly(block, length.into())?)
}

fn line(input: &mut impl Read) -> Result<Vec<u8>> {
    let mut line = until(input, b'\n')?;
    while line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(line)
}

fn until(input: &mut impl Read, end: u8) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        let byte = exactly(input, 1)?[0];
        if byte == end {
            return Ok(bytes);
        }
        bytes.push(byte);
    }
}

fn exactly(input: &mut impl Read, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    input.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

const BEGIN_REQUEST: u8 = 1;
const PARAMS: u8 = 4;
const STDIN: u8 = 5;
