//! One request and its answer, as the pages see them.

use bytes::Bytes;
use http::StatusCode;
use tokio::io::{AsyncRead, AsyncWrite};

use super::query::Query;
use crate::framed::{Connection, Error};
use crate::protocol::application::Request;
use crate::protocol::fields::{FieldName, Fields};

/// A request with the connection that it came on.
pub(super) struct Exchange<'a, S> {
    pub(super) request: &'a Request,
    connection: &'a mut Connection<S>,
    /// HEAD: the answer's body is left out.
    bodiless: bool,
}

/// What a connection can be made of.
pub(super) trait Socket: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket for S {}

impl<'a, S: Socket> Exchange<'a, S> {
    pub(super) fn new(request: &'a Request, connection: &'a mut Connection<S>) -> Self {
        Self {
            bodiless: request
                .param("REQUEST_METHOD")
                .is_some_and(|method| method == "HEAD"),
            request,
            connection,
        }
    }

    /// The path below the mount point. A gateway that splits nothing off sends no `PATH_INFO`.
    pub(super) fn path(&self) -> &'a str {
        let target = || self.param("REQUEST_URI").split('?').next().unwrap_or("/");
        match self.param("PATH_INFO") {
            "" if self.param("SCRIPT_NAME").is_empty() => target(),
            "" => "/",
            path => path,
        }
    }

    pub(super) fn query(&self) -> Query<'a> {
        Query(self.param("QUERY_STRING"))
    }

    /// A variable; empty when it is not there or no text.
    pub(super) fn param(&self, name: &str) -> &'a str {
        let value = self.request.param(name);
        value.and_then(|value| str::from_utf8(value).ok()).unwrap_or("")
    }

    /// The next piece of the request body.
    pub(super) async fn body(&mut self) -> Result<Option<Bytes>, Error> {
        self.connection.body().await
    }

    /// Starts the answer with `fields`.
    pub(super) async fn head(&mut self, status: StatusCode, fields: &Fields) -> Result<(), Error> {
        self.connection.head(status, fields).await
    }

    /// Continues the answer.
    pub(super) async fn write(&mut self, piece: Bytes) -> Result<(), Error> {
        if self.bodiless {
            return Ok(());
        }
        self.connection.write(piece).await
    }

    /// Sends what was written so far.
    pub(super) async fn flush(&mut self) -> Result<(), Error> {
        self.connection.flush().await
    }

    /// Sends a line to the log of the gateway; only FastCGI can.
    pub(super) async fn log(&mut self, line: String) -> Result<(), Error> {
        self.connection.log(line.into()).await
    }

    /// Ends the answer.
    pub(super) async fn end(self, app_status: u32) -> Result<(), Error> {
        self.connection.end(app_status).await
    }

    /// A whole answer, with `fields` of its own.
    pub(super) async fn answer(
        mut self,
        status: StatusCode,
        mut fields: Fields,
        body: impl Into<Bytes>,
    ) -> Result<(), Error> {
        let body = body.into();
        if !fields.contains(FieldName::ContentType) {
            fields.append(FieldName::ContentType, "text/plain");
        }
        fields.set_number(FieldName::ContentLength, body.len() as u64);
        self.head(status, &fields).await?;
        self.write(body).await?;
        self.end(0).await
    }

    /// A whole answer of text.
    pub(super) async fn text(self, body: impl Into<Bytes>) -> Result<(), Error> {
        self.answer(StatusCode::OK, Fields::new(), body).await
    }
}
