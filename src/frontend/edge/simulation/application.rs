//! The application of the simulation: it speaks SCGI, and takes the time that is asked of it.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::sleep;

/// Reads each request and waits for as long as its query says; says the method, the target and the length of the body.
pub(super) async fn run(listener: UnixListener) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        tokio::task::spawn_local(answer(stream));
    }
}

async fn answer(mut stream: UnixStream) -> Option<()> {
    let mut bytes = Vec::new();
    let (variables, body) = loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((length, rest)) = text.split_once(':')
            && rest.len() > length.parse::<usize>().ok()?
        {
            let (variables, body) = rest.split_at(length.parse().ok()?);
            break (variables.to_owned(), body.len() - 1);
        }
        (stream.read_buf(&mut bytes).await.ok()? > 0).then_some(())?;
    };
    let words: Vec<_> = variables.split('\0').collect();
    let variable = |name| {
        let pair = words.chunks(2).find(|pair| pair[0] == name);
        pair.map_or("", |pair| pair[1])
    };
    let length: usize = variable("CONTENT_LENGTH").parse().ok()?;
    let mut rest = vec![0; length - body];
    stream.read_exact(&mut rest).await.ok()?;
    let target = variable("REQUEST_URI");
    let wait = target
        .split_once("wait=")
        .and_then(|(_, wait)| wait.parse().ok())?;
    sleep(Duration::from_millis(wait)).await;
    let text = format!(
        "Content-Type: text/plain\r\n\r\n{} {target} {length}",
        variable("REQUEST_METHOD")
    );
    stream.write_all(text.as_bytes()).await.ok()
}
