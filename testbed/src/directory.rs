//! A directory (RFC 8555) that a test tells what to do, and that tells what it was asked: without signatures, over plain HTTP.

mod look;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::Authority;

/// It listens on a port of the loopback address, and issues certificates of an authority of its own.
pub struct Directory {
    addr: SocketAddr,
    state: Arc<Mutex<State>>,
    /// Its authority.
    pub authority: Arc<Authority>,
    /// Requests at which it stopped; dropping the sender lets it go on, without an answer.
    stops: Receiver<Sender<()>>,
}

/// What it does, to be changed at any time.
#[derive(Clone, Debug)]
pub struct DirectoryScript {
    /// Where it looks for the answers to http-01; `None`: it believes everything.
    pub http: Option<SocketAddr>,
    /// Profiles that it has.
    pub profiles: Vec<String>,
    /// What it says of the certificate with a number, counted from 1: when to renew it, as two times of RFC 3339.
    pub windows: BTreeMap<u64, (String, String)>,
    /// Days that the first certificate is good, and the next ones.
    pub days: (u64, u64),
    /// The request, counted from 1 over all that are signed, that it stops at: done, and not answered.
    pub stop_at: Option<usize>,
    /// Behind so many orders it refuses more, with this problem: `rateLimited`.
    pub refuse: Option<(usize, String)>,
    /// Where it looks for certificates that answer challenges, instead of http-01.
    pub tls: Option<SocketAddr>,
    /// Accounts are for customers only.
    pub wants_customer: bool,
}

/// What it knows.
struct State {
    script: DirectoryScript,
    asked: Vec<Asked>,
    orders: Vec<Order>,
    nonce: u64,
    accounts: usize,
}

/// A signed request.
#[derive(Clone, Debug)]
pub struct Asked {
    /// `/new-order`
    pub path: String,
    /// What it says; null for POST-as-GET.
    pub payload: Value,
}

/// An order.
#[derive(Clone, Debug)]
struct Order {
    identifiers: Value,
    status: &'static str,
    authorization: &'static str,
    certificate: String,
    error: Option<String>,
}

impl Default for DirectoryScript {
    fn default() -> Self {
        Self {
            http: None,
            profiles: Vec::new(),
            windows: BTreeMap::new(),
            days: (90, 90),
            stop_at: None,
            refuse: None,
            tls: None,
            wants_customer: false,
        }
    }
}

impl Directory {
    /// Listens from now on.
    ///
    /// # Errors
    ///
    /// When there is no port.
    pub fn start(script: DirectoryScript) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").context("no port for the directory")?;
        let addr = listener.local_addr()?;
        let authority = Arc::new(Authority::new("Scripted Directory")?);
        let state = Arc::new(Mutex::new(State {
            script,
            asked: Vec::new(),
            orders: Vec::new(),
            nonce: 0,
            accounts: 0,
        }));
        let (sender, stops) = channel();
        let server = Server {
            addr,
            state: state.clone(),
            authority: authority.clone(),
            stops: sender,
        };
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = server.clone();
                thread::spawn(move || server.serve(stream));
            }
        });
        Ok(Self {
            addr,
            state,
            authority,
            stops,
        })
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("http://{}/directory", self.addr)
    }

    /// Changes what it does.
    pub fn script(&self, change: impl FnOnce(&mut DirectoryScript)) {
        change(&mut lock(&self.state).script);
    }

    /// Signed requests so far.
    pub fn asked(&self) -> Vec<Asked> {
        lock(&self.state).asked.clone()
    }

    /// What orders were wished for so far.
    pub fn orders(&self) -> Vec<Value> {
        let asked = self.asked().into_iter();
        asked
            .filter(|asked| asked.path == "/new-order")
            .map(|asked| asked.payload)
            .collect()
    }

    /// Orders that are not over.
    pub fn open(&self) -> usize {
        let state = lock(&self.state);
        let open = |order: &&Order| matches!(order.status, "pending" | "ready" | "processing");
        state.orders.iter().filter(open).count()
    }

    /// Accounts that were made.
    pub fn accounts(&self) -> usize {
        lock(&self.state).accounts
    }

    /// Waits until it has stopped at a request; it goes on when what is given is dropped. `None`: it has not within `limit`.
    pub fn stopped(&self, limit: Duration) -> Option<Sender<()>> {
        self.stops.recv_timeout(limit).ok()
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What answers.
#[derive(Clone)]
struct Server {
    addr: SocketAddr,
    state: Arc<Mutex<State>>,
    authority: Arc<Authority>,
    stops: Sender<Sender<()>>,
}

/// An answer.
struct Answer {
    status: u16,
    fields: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Answer {
    fn json(body: &Value) -> Self {
        Self {
            status: 200,
            fields: vec![("Content-Type", "application/json".to_owned())],
            body: body.to_string().into_bytes(),
        }
    }

    fn problem(status: u16, word: &str) -> Self {
        let body = json!({ "type": format!("urn:ietf:params:acme:error:{word}"), "detail": "as the script wants it" });
        Self {
            status,
            ..Self::json(&body)
        }
    }

    fn with(mut self, name: &'static str, value: String) -> Self {
        self.fields.push((name, value));
        self
    }
}

impl Server {
    fn serve(&self, mut stream: TcpStream) {
        let Ok((line, body)) = read(&stream) else { return };
        let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        let answer = match line.starts_with("POST") {
            true => self.signed(&path, &body),
            false => Ok(Some(self.plain(&path))),
        };
        let Ok(Some(answer)) = answer else { return };
        let nonce = {
            let mut state = lock(&self.state);
            state.nonce += 1;
            state.nonce
        };
        let mut head = format!(
            "HTTP/1.1 {} X\r\nContent-Length: {}\r\nReplay-Nonce: n{nonce}\r\nConnection: close\r\n",
            answer.status,
            answer.body.len()
        );
        for (name, value) in &answer.fields {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        let body = if line.starts_with("HEAD") {
            &[][..]
        } else {
            &answer.body
        };
        let _ = stream.write_all(&[head.as_bytes(), body].concat());
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    fn plain(&self, path: &str) -> Answer {
        let state = lock(&self.state);
        if let Some(id) = path.strip_prefix("/renewal-info/") {
            let serial = id
                .rsplit_once('.')
                .and_then(|(_, serial)| decode(serial))
                .unwrap_or_default();
            let number = serial
                .iter()
                .fold(0, |number, byte| number << 8 | u64::from(*byte));
            return match state.script.windows.get(&number) {
                Some((start, end)) => {
                    let info = json!({ "suggestedWindow": { "start": start, "end": end } });
                    Answer::json(&info).with("Retry-After", "21600".to_owned())
                }
                None => Answer::problem(404, "malformed"),
            };
        }
        let profiles: BTreeMap<_, _> = state.script.profiles.iter().map(|name| (name, "…")).collect();
        Answer::json(&json!({
            "newNonce": self.url("/new-nonce"), "newAccount": self.url("/new-account"),
            "newOrder": self.url("/new-order"), "renewalInfo": self.url("/renewal-info"),
            "meta": { "profiles": profiles, "externalAccountRequired": state.script.wants_customer },
        }))
    }

    /// `None`: it has stopped, and there is no answer.
    fn signed(&self, path: &str, body: &[u8]) -> Result<Option<Answer>> {
        let body: Value = serde_json::from_slice(body)?;
        let payload = body["payload"].as_str().and_then(decode).context("no payload")?;
        let payload = match payload.is_empty() {
            true => Value::Null,
            false => serde_json::from_slice(&payload)?,
        };
        let stops = {
            let mut state = lock(&self.state);
            state.asked.push(Asked {
                path: path.to_owned(),
                payload: payload.clone(),
            });
            state.script.stop_at == Some(state.asked.len())
        };
        let answer = self.answer(path, &payload)?;
        if stops {
            let (sender, released) = channel();
            self.stops.send(sender)?;
            let _ = released.recv();
            return Ok(None);
        }
        Ok(Some(answer))
    }

    fn answer(&self, path: &str, payload: &Value) -> Result<Answer> {
        let (kind, number) = path.rsplit_once('/').unwrap_or_default();
        let number: usize = number.parse().unwrap_or(usize::MAX);
        Ok(match kind {
            "" if path == "/new-account" => self.account(payload),
            "" if path == "/new-order" => self.new_order(payload),
            "" if path == "/orders" => {
                let count = lock(&self.state).orders.len();
                let orders: Vec<String> = (0..count).map(|at| self.url(&format!("/order/{at}"))).collect();
                Answer::json(&json!({ "orders": orders }))
            }
            "/authorization" if payload["status"] == "deactivated" => {
                self.change(number, |order| order.authorization = "deactivated")?;
                self.authorization(number)?
            }
            "/authorization" => self.authorization(number)?,
            "/challenge" => {
                self.look(number)?;
                Answer::json(&self.challenge(number, "pending"))
            }
            "/finalize" => self.finalize(number, payload)?,
            "/certificate" => {
                let state = lock(&self.state);
                let order = state.orders.get(number).context("no such order")?;
                Answer {
                    status: 200,
                    fields: vec![("Content-Type", "application/pem-certificate-chain".to_owned())],
                    body: order.certificate.clone().into_bytes(),
                }
            }
            "/order" => self.order(number)?,
            _ => Answer::problem(404, "malformed"),
        })
    }

    fn account(&self, payload: &Value) -> Answer {
        let mut state = lock(&self.state);
        if state.script.wants_customer && payload["externalAccountBinding"].is_null() {
            return Answer::problem(400, "externalAccountRequired");
        }
        state.accounts += 1;
        let account = json!({ "status": "valid", "orders": self.url("/orders") });
        let answer = Answer::json(&account).with("Location", self.url("/account/1"));
        Answer {
            status: 201,
            ..answer
        }
    }

    fn new_order(&self, payload: &Value) -> Answer {
        let mut state = lock(&self.state);
        if let Some((most, word)) = &state.script.refuse
            && state.orders.len() >= *most
        {
            return Answer::problem(403, word).with("Retry-After", "3600".to_owned());
        }
        let number = state.orders.len();
        state.orders.push(Order {
            identifiers: payload["identifiers"].clone(),
            status: "pending",
            authorization: "pending",
            certificate: String::new(),
            error: None,
        });
        drop(state);
        let mut answer = self
            .order(number)
            .unwrap_or_else(|_| Answer::problem(500, "serverInternal"));
        answer.status = 201;
        answer.with("Location", self.url(&format!("/order/{number}")))
    }

    fn order(&self, number: usize) -> Result<Answer> {
        let state = lock(&self.state);
        let order = state.orders.get(number).context("no such order")?;
        Ok(Answer::json(&json!({
            "status": order.status,
            "identifiers": order.identifiers,
            "authorizations": [self.url(&format!("/authorization/{number}"))],
            "finalize": self.url(&format!("/finalize/{number}")),
            "certificate": self.url(&format!("/certificate/{number}")),
        })))
    }

    fn authorization(&self, number: usize) -> Result<Answer> {
        let state = lock(&self.state);
        let order = state.orders.get(number).context("no such order")?.clone();
        drop(state);
        let mut challenge = self.challenge(
            number,
            if order.authorization == "valid" {
                "valid"
            } else {
                "pending"
            },
        );
        if let Some(error) = &order.error {
            challenge["error"] =
                json!({ "type": "urn:ietf:params:acme:error:unauthorized", "detail": error });
        }
        Ok(Answer::json(&json!({
            "status": order.authorization,
            "identifier": order.identifiers[0],
            "challenges": [challenge],
        })))
    }

    fn challenge(&self, number: usize, status: &str) -> Value {
        let kind = match lock(&self.state).script.tls {
            Some(_) => "tls-alpn-01",
            None => "http-01",
        };
        json!({ "type": kind, "url": self.url(&format!("/challenge/{number}")), "token": format!("token-{number}"),
                "status": status })
    }

    /// Whether the answer to a challenge is there.
    fn look(&self, number: usize) -> Result<()> {
        let (place, tls, host) = {
            let state = lock(&self.state);
            let order = state.orders.get(number).context("no such order")?;
            let host = order.identifiers[0]["value"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            (state.script.http, state.script.tls, host)
        };
        let found = match (tls, place) {
            (Some(tls), _) => look::shows_answer(tls, &host),
            (None, Some(place)) => look::has_answer(place, &host, &format!("token-{number}")),
            (None, None) => Ok(true),
        };
        self.change(number, |order| match found {
            Ok(true) => (order.authorization, order.status) = ("valid", "ready"),
            other => {
                (order.authorization, order.status) = ("invalid", "invalid");
                order.error = Some(format!("{other:?}"));
            }
        })
    }

    fn finalize(&self, number: usize, payload: &Value) -> Result<Answer> {
        let csr = payload["csr"].as_str().and_then(decode).context("no request")?;
        let mut state = lock(&self.state);
        let serial = 1 + state
            .orders
            .iter()
            .filter(|order| order.status == "valid")
            .count() as u64;
        let (first, next) = state.script.days;
        let days = if serial == 1 { first } else { next };
        let order = state.orders.get_mut(number).context("no such order")?;
        if order.status != "ready" {
            return Ok(Answer::problem(403, "orderNotReady"));
        }
        order.certificate = self.authority.sign(&csr, serial, days)?;
        order.status = "valid";
        drop(state);
        self.order(number)
    }

    fn change(&self, number: usize, change: impl FnOnce(&mut Order)) -> Result<()> {
        let mut state = lock(&self.state);
        change(state.orders.get_mut(number).context("no such order")?);
        Ok(())
    }
}

/// The first line of a request, and its body.
fn read(stream: &TcpStream) -> Result<(String, Vec<u8>)> {
    let mut reader = BufReader::new(stream);
    let (mut first, mut length) = (String::new(), 0);
    reader.read_line(&mut first)?;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            bail!("half a head");
        }
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok((first, body))
}

/// base64url without padding.
fn decode(text: &str) -> Option<Vec<u8>> {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (mut bytes, mut word, mut bits) = (Vec::new(), 0_u32, 0);
    for letter in text.bytes() {
        word = word << 6 | LETTERS.iter().position(|known| *known == letter)? as u32;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((word >> bits) as u8);
        }
    }
    Some(bytes)
}
