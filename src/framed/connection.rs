//! One connection of an application.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::Error;
use crate::protocol::application::{Application, Output, Received, Request};
use crate::protocol::fastcgi::Role;
use crate::protocol::fields::Fields;
use crate::protocol::{DecodeError, Limits, WriteQueue, fastcgi, head, scgi, uwsgi};

/// A stream with a web server at its other end.
///
/// ```no_run
/// # use bridgehead::framed::{Connection, Error};
/// # use bridgehead::protocol::fields::Fields;
/// # async fn serve(stream: tokio::net::TcpStream) -> Result<(), Error> {
/// let mut connection = Connection::fastcgi(stream);
/// while let Some(request) = connection.request().await? {
///     while let Some(piece) = connection.body().await? {
///         println!("{} more bytes for {:?}", piece.len(), request.param("REQUEST_URI"));
///     }
///     connection.head(http::StatusCode::OK, &Fields::new()).await?;
///     connection.write("hello\n".into()).await?;
///     connection.end(0).await?;
/// }
/// # Ok(())
/// # }
/// ```
pub struct Connection<S> {
    stream: S,
    application: Box<dyn Application>,
    src: BytesMut,
    out: WriteQueue,
    /// What comes before the end of the request body.
    body: Progress,
    /// What comes before the end of a filter's file.
    data: Progress,
    closed: bool,
    patience: Option<Duration>,
}

/// How far a stream of the request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Open,
    Ended,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// A connection that speaks the protocol of `application`.
    pub fn new(stream: S, application: impl Application + 'static) -> Self {
        Self {
            stream,
            application: Box::new(application),
            src: BytesMut::new(),
            out: WriteQueue::new(),
            body: Progress::Ended,
            data: Progress::Ended,
            closed: false,
            patience: None,
        }
    }

    /// The longest wait for the next byte of the web server, before, in and between requests. Without it a web server
    /// that hangs holds the connection for ever.
    #[must_use]
    pub fn patience(mut self, limit: Duration) -> Self {
        self.patience = Some(limit);
        self
    }

    /// A FastCGI responder with default limits.
    pub fn fastcgi(stream: S) -> Self {
        Self::new(stream, fastcgi::Application::responder(Limits::default()))
    }

    /// A uwsgi application for `modifier1` 0 with default limits, which closes after one answer.
    pub fn uwsgi(stream: S) -> Self {
        Self::new(stream, uwsgi::Application::new(0, false, Limits::default()))
    }

    /// An SCGI application with default limits.
    pub fn scgi(stream: S) -> Self {
        Self::new(stream, scgi::Application::new(Limits::default()))
    }

    /// Waits for the next request; `None` when there will be no other.
    pub async fn request(&mut self) -> Result<Option<Request>, Error> {
        while !self.closed {
            match self.receive().await? {
                Some(Received::Request(request)) => {
                    self.body = Progress::Open;
                    if request.role == Role::Filter {
                        self.data = Progress::Open;
                    }
                    return Ok(Some(request));
                }
                Some(Received::Rejected { close: true }) => self.close().await?,
                Some(Received::Abort) => self.end(ABORTED).await?,
                None => self.closed = true,
                // What the last request had not read.
                Some(_) => {}
            }
        }
        Ok(None)
    }

    /// The next piece of the request body; `None` at its end. [`Error::Aborted`] ends the request: go on with
    /// [`Connection::request`].
    pub async fn body(&mut self) -> Result<Option<Bytes>, Error> {
        while self.body == Progress::Open {
            match self.receive().await? {
                Some(Received::Body(piece)) => return Ok(Some(piece)),
                Some(Received::BodyEnd) => self.body = Progress::Ended,
                Some(Received::Abort) => return self.abort().await,
                Some(_) => {}
                None => return Err(DecodeError::Truncated.into()),
            }
        }
        Ok(None)
    }

    /// The next piece of the file for a FastCGI filter, after the body; `None` at its end.
    pub async fn data(&mut self) -> Result<Option<Bytes>, Error> {
        while self.data == Progress::Open {
            match self.receive().await? {
                Some(Received::Data(piece)) => return Ok(Some(piece)),
                Some(Received::DataEnd) => self.data = Progress::Ended,
                Some(Received::Abort) => return self.abort().await,
                Some(_) => {}
                None => return Err(DecodeError::Truncated.into()),
            }
        }
        Ok(None)
    }

    /// Starts the answer.
    pub async fn head(&mut self, status: StatusCode, fields: &Fields) -> Result<(), Error> {
        let mut text = BytesMut::new();
        head::put(self.application.shape(), status, fields, &mut text);
        self.write(text.freeze()).await
    }

    /// Continues the answer. What is written goes out in large pieces: see `flush`.
    pub async fn write(&mut self, chunk: Bytes) -> Result<(), Error> {
        self.application.write(Output::Response, chunk, &mut self.out);
        self.flush_from(HIGH_WATER).await
    }

    /// Sends text to the log of the web server, where the protocol can.
    pub async fn log(&mut self, chunk: Bytes) -> Result<(), Error> {
        self.application.write(Output::Diagnostics, chunk, &mut self.out);
        self.flush_from(HIGH_WATER).await
    }

    /// Sends everything that was written.
    pub async fn flush(&mut self) -> Result<(), Error> {
        self.flush_from(1).await
    }

    /// Ends the answer, and the connection unless the web server keeps it.
    pub async fn end(&mut self, app_status: u32) -> Result<(), Error> {
        let kept = self.application.end(app_status, &mut self.out);
        self.body = Progress::Ended;
        self.data = Progress::Ended;
        match kept {
            true => self.flush().await,
            false => self.close().await,
        }
    }

    /// Answers ABORT_REQUEST (FCGI §5.4): the request ends here, whatever there is of its answer.
    async fn abort<T>(&mut self) -> Result<T, Error> {
        self.end(ABORTED).await?;
        Err(Error::Aborted)
    }

    async fn flush_from(&mut self, size: usize) -> Result<(), Error> {
        if self.out.len() >= size {
            self.stream.write_all_buf(&mut self.out).await?;
            self.stream.flush().await?;
        }
        Ok(())
    }

    async fn close(&mut self) -> Result<(), Error> {
        self.closed = true;
        self.flush().await?;
        Ok(self.stream.shutdown().await?)
    }

    /// The next event; `None` at the end of the stream.
    async fn receive(&mut self) -> Result<Option<Received>, Error> {
        loop {
            if let Some(event) = self.application.decode(&mut self.src, &mut self.out)? {
                return Ok(Some(event));
            }
            self.flush().await?;
            self.src.reserve(READ);
            if self.read().await? > 0 {
                continue;
            }
            return match self.src.is_empty() {
                true => Ok(self.application.decode_eof().map(|()| None)?),
                false => Err(DecodeError::Truncated.into()),
            };
        }
    }

    /// Waits for more bytes; 0 at the end of the stream.
    async fn read(&mut self) -> Result<usize, Error> {
        let read = self.stream.read_buf(&mut self.src);
        let Some(limit) = self.patience else {
            return Ok(read.await?);
        };
        match timeout(limit, read).await {
            Ok(count) => Ok(count?),
            Err(_) => Err(Error::Silent(limit)),
        }
    }
}

/// The application status of a request that was given up: not that of success.
const ABORTED: u32 = 1;

/// Bytes to read at once.
const READ: usize = 8 * 1024;

/// Bytes to collect before they are written: large answers should not cost a system call per piece.
const HIGH_WATER: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use tokio::io::DuplexStream;

    use super::*;

    const BEGIN: &[u8] = b"\x01\x01\0\x01\0\x08\0\0\0\x01\x01\0\0\0\0\0\x01\x04\0\x01\0\0\0\0";
    const HELLO: &[u8] = b"\x01\x05\0\x01\0\x05\0\0hello\x01\x05\0\x01\0\0\0\0";

    /// What comes back for `wire`, from an application that sends the body back.
    async fn echo(wire: &[u8], connection: impl FnOnce(DuplexStream) -> Connection<DuplexStream>) -> Vec<u8> {
        let (mut client, server) = tokio::io::duplex(7);
        let mut connection = connection(server);
        let serve = async move {
            while let Some(_request) = connection.request().await? {
                connection.head(StatusCode::OK, &Fields::new()).await?;
                while let Some(piece) = connection.body().await? {
                    connection.write(piece).await?;
                }
                connection.end(0).await?;
            }
            Ok::<_, Error>(())
        };
        let ask = async move {
            let (mut reader, mut writer) = tokio::io::split(&mut client);
            let mut answer = Vec::new();
            let write = async {
                writer.write_all(wire).await?;
                writer.shutdown().await
            };
            let (sent, received) = tokio::join!(write, reader.read_to_end(&mut answer));
            sent.and(received.map(|_| answer))
        };
        let (served, answer) = tokio::join!(serve, ask);
        served.unwrap();
        answer.unwrap()
    }

    #[tokio::test]
    async fn fastcgi_answers_every_request_of_a_kept_connection() {
        let request = [BEGIN, HELLO].concat();
        let answer = echo(&[&request[..], &request].concat(), Connection::fastcgi).await;
        let head = b"\x01\x06\0\x01\0\x12\0\0Status: 200 OK\r\n\r\n".as_slice();
        assert!(answer.starts_with(head));
        let end = b"\x01\x03\0\x01\0\x08\0\0\0\0\0\0\0\0\0\0";
        let ends = answer.windows(end.len()).filter(|window| window == end).count();
        assert_eq!(ends, 2);
    }

    #[tokio::test]
    async fn uwsgi_and_scgi_answer_once() {
        let packet = b"\0\x13\0\0\x0e\0CONTENT_LENGTH\x01\x005hello";
        assert_eq!(
            echo(packet, Connection::uwsgi).await,
            b"HTTP/1.1 200 OK\r\n\r\nhello"
        );
        let netstring = b"24:CONTENT_LENGTH\x005\0SCGI\x001\0,hello";
        assert_eq!(
            echo(netstring, Connection::scgi).await,
            b"Status: 200 OK\r\n\r\nhello"
        );
    }

    #[tokio::test]
    async fn rejected_request_is_the_last_one() {
        let wire = b"\x01\x01\0\x01\0\x08\0\0\0\x09\0\0\0\0\0\0";
        let answer = echo(wire, Connection::fastcgi).await;
        assert_eq!(answer, b"\x01\x03\0\x01\0\x08\0\0\0\0\0\0\x03\0\0\0");
    }

    #[tokio::test]
    async fn request_that_is_given_up_is_ended_and_the_next_one_answered() {
        const ABORT: &[u8] = b"\x01\x02\0\x01\0\0\0\0";
        let ends = b"\x01\x03\0\x01\0\x08\0\0\0\0\0\x01\0\0\0\0";
        // Before the end of the variables, and before the end of the body.
        for given_up in [&BEGIN[..16], BEGIN] {
            let (client, server) = tokio::io::duplex(1024);
            let mut connection = Connection::fastcgi(server);
            let (mut reader, mut writer) = tokio::io::split(client);
            let wire = [given_up, ABORT, BEGIN, HELLO].concat();
            writer.write_all(&wire).await.unwrap();
            let mut request = connection.request().await.unwrap();
            if given_up == BEGIN {
                let error = connection.body().await.unwrap_err();
                assert!(matches!(error, Error::Aborted));
                request = connection.request().await.unwrap();
            }
            assert!(request.is_some());
            assert_eq!(connection.body().await.unwrap().unwrap(), "hello");
            let mut answer = [0; 24];
            reader.read_exact(&mut answer).await.unwrap();
            assert!(answer.ends_with(ends), "{answer:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn silence_ends_a_connection_at_any_point() {
        for sent in [&[][..], &BEGIN[..4], BEGIN] {
            let (mut client, server) = tokio::io::duplex(1024);
            let mut connection = Connection::fastcgi(server).patience(Duration::from_secs(5));
            client.write_all(sent).await.unwrap();
            let error = match connection.request().await {
                Ok(_) => connection.body().await.unwrap_err(),
                Err(error) => error,
            };
            assert!(matches!(error, Error::Silent(_)), "{error}");
        }
    }

    #[tokio::test]
    async fn stream_that_ends_inside_a_request_is_an_error() {
        for wire in [&BEGIN[..4], &BEGIN[..20]] {
            let stream = tokio::io::join(wire, tokio::io::sink());
            let error = Connection::fastcgi(stream).request().await.unwrap_err();
            assert!(matches!(error, Error::Decode(DecodeError::Truncated)));
        }
        let stream = tokio::io::join(BEGIN, tokio::io::sink());
        let mut connection = Connection::fastcgi(stream);
        assert!(connection.request().await.unwrap().is_some());
        let error = connection.body().await.unwrap_err();
        assert!(matches!(error, Error::Decode(DecodeError::Truncated)));
    }
}
