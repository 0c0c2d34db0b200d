//! The bytes of requests, written down as the specifications say and by nothing else.

use super::server::Server;

/// A request in every protocol.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    pub(crate) target: &'a str,
    pub(crate) body: Option<&'a [u8]>,
    /// Whether the connection shall stay open: FastCGI's KEEP_CONN, HTTP's and Gunicorn's Connection header.
    pub(crate) keep: bool,
    /// The script for PHP and fcgiwrap.
    pub(crate) script: &'a str,
}

impl Request<'_> {
    /// The request as `server` wants it.
    pub(crate) fn bytes(&self, server: Server) -> Vec<u8> {
        match server.protocol() {
            "fastcgi" => self.fastcgi(),
            "uwsgi" => self.uwsgi(),
            "scgi" => self.scgi(),
            _ => self.http(),
        }
    }

    fn params(&self) -> Vec<(&'static str, String)> {
        let (path, query) = self.target.split_once('?').unwrap_or((self.target, ""));
        let mut params = vec![
            ("GATEWAY_INTERFACE", "CGI/1.1".to_owned()),
            ("SERVER_PROTOCOL", "HTTP/1.1".to_owned()),
            ("SERVER_NAME", "example.test".to_owned()),
            ("SERVER_PORT", "80".to_owned()),
            ("REMOTE_ADDR", "192.0.2.1".to_owned()),
            ("REQUEST_METHOD", self.method.to_owned()),
            ("REQUEST_URI", self.target.to_owned()),
            ("QUERY_STRING", query.to_owned()),
            ("SCRIPT_NAME", String::new()),
            ("PATH_INFO", path.to_owned()),
            ("HTTP_HOST", "example.test".to_owned()),
        ];
        if let Some(body) = self.body {
            params.push(("CONTENT_TYPE", "text/plain".to_owned()));
            params.push(("CONTENT_LENGTH", body.len().to_string()));
        }
        params
    }

    fn fastcgi(&self) -> Vec<u8> {
        let mut pairs = Vec::new();
        for (name, value) in self
            .params()
            .into_iter()
            .chain([("SCRIPT_FILENAME", self.script.to_owned())])
        {
            pairs.extend(pair(name, &value));
        }
        let mut bytes = record(1, 1, &[0, 1, u8::from(self.keep), 0, 0, 0, 0, 0], 0);
        bytes.extend(record(4, 1, &pairs, 0));
        bytes.extend(record(4, 1, b"", 0));
        for piece in self.body.unwrap_or_default().chunks(8192) {
            bytes.extend(record(5, 1, piece, 0));
        }
        bytes.extend(record(5, 1, b"", 0));
        bytes
    }

    fn uwsgi(&self) -> Vec<u8> {
        let mut block = Vec::new();
        let connection = (!self.keep).then_some(("HTTP_CONNECTION", "close".to_owned()));
        for (name, value) in self.params().into_iter().chain(connection) {
            for text in [name, value.as_str()] {
                block.extend(u16::try_from(text.len()).expect("short").to_le_bytes());
                block.extend(text.as_bytes());
            }
        }
        let size = u16::try_from(block.len()).expect("a short block").to_le_bytes();
        [
            &[0, size[0], size[1], 0],
            block.as_slice(),
            self.body.unwrap_or_default(),
        ]
        .concat()
    }

    fn scgi(&self) -> Vec<u8> {
        let body = self.body.unwrap_or_default();
        let mut headers = format!("CONTENT_LENGTH\0{}\0SCGI\x001\0", body.len());
        for (name, value) in self
            .params()
            .into_iter()
            .filter(|(name, _)| *name != "CONTENT_LENGTH")
        {
            headers += &format!("{name}\0{value}\0");
        }
        [format!("{}:{headers},", headers.len()).as_bytes(), body].concat()
    }

    fn http(&self) -> Vec<u8> {
        let mut head = format!(
            "{} {} HTTP/1.1\r\nHost: example.test\r\n",
            self.method, self.target
        );
        if !self.keep {
            head += "Connection: close\r\n";
        }
        if let Some(body) = self.body {
            head += &format!("Content-Type: text/plain\r\nContent-Length: {}\r\n", body.len());
        }
        [head.as_bytes(), b"\r\n", self.body.unwrap_or_default()].concat()
    }
}

/// FastCGI's question for its three values. The padding makes libfcgi answer at once.
pub(crate) fn get_values() -> Vec<u8> {
    let names = ["FCGI_MAX_CONNS", "FCGI_MAX_REQS", "FCGI_MPXS_CONNS"];
    let pairs: Vec<u8> = names.iter().flat_map(|name| pair(name, "")).collect();
    record(9, 0, &pairs, 8)
}

/// FastCGI 1.0, section 3.3.
fn record(kind: u8, id: u16, content: &[u8], padding: u8) -> Vec<u8> {
    let length = u16::try_from(content.len())
        .expect("a short record")
        .to_be_bytes();
    let id = id.to_be_bytes();
    let header = [1, kind, id[0], id[1], length[0], length[1], padding, 0];
    [&header, content, &vec![0; padding.into()]].concat()
}

/// FastCGI 1.0, section 3.4; a length above 127 takes four bytes.
fn pair(name: &str, value: &str) -> Vec<u8> {
    let length = |text: &str| match u8::try_from(text.len()) {
        Ok(short) if short < 128 => vec![short],
        _ => (u32::try_from(text.len()).expect("a short text") | 1 << 31)
            .to_be_bytes()
            .to_vec(),
    };
    [
        length(name).as_slice(),
        &length(value),
        name.as_bytes(),
        value.as_bytes(),
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_for_values_is_a_padded_management_record() {
        assert!(get_values().starts_with(b"\x01\x09\0\0\0\x30\x08\0\x0e\0FCGI_MAX_CONNS\x0d\0FCGI_MAX_REQS"));
        assert_eq!(get_values().len(), 8 + 48 + 8);
    }

    #[test]
    fn long_texts_have_four_byte_lengths() {
        assert!(pair("A", &"x".repeat(128)).starts_with(b"\x01\x80\0\0\x80Ax"));
        assert!(pair("A", &"x".repeat(127)).starts_with(b"\x01\x7fAx"));
    }
}
