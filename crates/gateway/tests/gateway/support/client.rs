//! A client that signs (Signature Version 4) and speaks HTTP/1.1 by hand, so that it can also misbehave.

use esker_s3::auth::{CredentialScope, SigningKey};
use esker_s3::times::format_amz_date;
use esker_types::Timestamp;
use hyper::http::{HeaderMap, HeaderName, HeaderValue};
use sha2::{Digest as _, Sha256};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

pub const ACCESS_KEY: &str = "AKIDEXAMPLE";
pub const SECRET_KEY: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
pub const REGION: &str = "us-east-1";

/// What came back.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The text of the first element of this name.
    pub fn element(&self, name: &str) -> Option<&str> {
        let text = self.text();
        let start = text.find(&format!("<{name}>"))? + name.len() + 2;
        let end = text[start..].find(&format!("</{name}>"))? + start;
        Some(&text[start..end])
    }

    /// The texts of all elements of this name.
    pub fn elements(&self, name: &str) -> Vec<&str> {
        let (open, close) = (format!("<{name}>"), format!("</{name}>"));
        self.text().split(&open).skip(1).map(|rest| rest.split(&close).next().unwrap()).collect()
    }

    /// The status and the error code.
    pub fn error(&self) -> (u16, &str) {
        (self.status, self.element("Code").unwrap_or(""))
    }

    #[track_caller]
    pub fn expect(self, status: u16) -> Reply {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self
    }
}

/// A request in the making.
#[derive(Clone, Debug)]
pub struct RequestBuilder {
    address: SocketAddr,
    now: Timestamp,
    method: &'static str,
    path: String,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    payload: Option<String>,
}

impl RequestBuilder {
    /// `target` is a raw path, percent-encoded where it must be, with or without a query.
    pub fn new(address: SocketAddr, now: Timestamp, method: &'static str, target: &str) -> RequestBuilder {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let query = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (name.to_owned(), value.to_owned())
        });
        RequestBuilder {
            address,
            now,
            method,
            path: path.to_owned(),
            query: query.collect(),
            headers: Vec::new(),
            body: Vec::new(),
            payload: None,
        }
    }

    pub fn header(mut self, name: &str, value: impl Into<String>) -> RequestBuilder {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub fn body(mut self, body: impl Into<Vec<u8>>) -> RequestBuilder {
        self.body = body.into();
        self
    }

    /// What `x-amz-content-sha256` says instead of the body's hash.
    pub fn payload(mut self, text: impl Into<String>) -> RequestBuilder {
        self.payload = Some(text.into());
        self
    }

    /// The request's head, signed. The body's length is `content_length`.
    pub fn head(&self, content_length: Option<u64>) -> Vec<u8> {
        let payload = self.payload.clone().unwrap_or_else(|| hex::encode(Sha256::digest(&self.body)));
        let date = format_amz_date(self.now.seconds());
        let mut headers = self.headers.clone();
        headers.push(("host".to_owned(), self.host()));
        headers.push(("x-amz-date".to_owned(), date.clone()));
        headers.push(("x-amz-content-sha256".to_owned(), payload.clone()));
        let authorization = self.authorization(&headers, &date, &payload);
        headers.push(("authorization".to_owned(), authorization));
        headers.extend(content_length.map(|length| ("content-length".to_owned(), length.to_string())));
        self.head_with(&headers)
    }

    fn host(&self) -> String {
        self.headers
            .iter()
            .find(|(name, _)| name == "x-test-host")
            .map_or(self.address.to_string(), |h| h.1.clone())
    }

    fn head_with(&self, headers: &[(String, String)]) -> Vec<u8> {
        let query: Vec<String> = self.query.iter().map(|(n, v)| format!("{n}={v}")).collect();
        let separator = if query.is_empty() { "" } else { "?" };
        let mut head = format!("{} {}{separator}{} HTTP/1.1\r\n", self.method, self.path, query.join("&"));
        for (name, value) in headers.iter().filter(|(name, _)| name != "x-test-host") {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        head.into_bytes()
    }

    fn authorization(&self, headers: &[(String, String)], date: &str, payload: &str) -> String {
        let mut query: Vec<(String, String)> =
            self.query.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        query.sort();
        let query: Vec<String> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut signed: Vec<(String, String)> = headers
            .iter()
            .filter(|(name, _)| name.starts_with("x-amz-") || name == "host" || name == "content-md5")
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        signed.sort();
        let names: Vec<&str> = signed.iter().map(|(name, _)| name.as_str()).collect();
        let names = names.join(";");
        let lines: String = signed.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        let canonical =
            format!("{}\n{}\n{}\n{lines}\n{names}\n{payload}", self.method, self.path, query.join("&"));
        let scope = CredentialScope { date: date[..8].to_owned(), region: REGION.to_owned() };
        let hash = hex::encode(Sha256::digest(canonical.as_bytes()));
        let to_sign = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{hash}");
        let signature = SigningKey::derive(SECRET_KEY, &scope).sign(to_sign.as_bytes());
        format!(
            "AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/{scope},SignedHeaders={names},Signature={signature}"
        )
    }

    /// Sends the request and reads the reply.
    pub async fn send(self) -> Reply {
        let length = (self.method != "GET" && self.method != "HEAD" || !self.body.is_empty())
            .then_some(self.body.len() as u64);
        let mut connection = Connection::open(self.address).await;
        connection.write(&self.head(length)).await;
        connection.write(&self.body).await;
        connection.reply(self.method == "HEAD").await.expect("a whole reply")
    }

    /// Sends the request unsigned.
    pub async fn send_anonymously(self) -> Reply {
        let mut connection = Connection::open(self.address).await;
        let mut headers = self.headers.clone();
        headers.push(("host".to_owned(), self.host()));
        headers.push(("content-length".to_owned(), self.body.len().to_string()));
        connection.write(&self.head_with(&headers)).await;
        connection.write(&self.body).await;
        connection.reply(self.method == "HEAD").await.expect("a whole reply")
    }
}

/// One connection, byte by byte.
pub struct Connection {
    pub stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub async fn open(address: SocketAddr) -> Connection {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Connection { stream, buffer: Vec::new() }
    }

    /// Sends bytes; that the server no longer listens is for the reply to show.
    pub async fn write(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).await;
    }

    async fn more(&mut self) -> Option<()> {
        let mut chunk = [0; 64 << 10];
        match self.stream.read(&mut chunk).await {
            Ok(0) | Err(_) => None,
            Ok(n) => {
                self.buffer.extend_from_slice(&chunk[..n]);
                Some(())
            }
        }
    }

    /// Reads the next head: status and headers.
    pub async fn head(&mut self) -> Option<(u16, HeaderMap)> {
        let end = loop {
            match self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                Some(at) => break at,
                None => self.more().await?,
            }
        };
        let head = String::from_utf8(self.buffer.drain(..end + 4).collect()).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(':').unwrap();
            (HeaderName::try_from(name).unwrap(), HeaderValue::from_bytes(value.trim().as_bytes()).unwrap())
        });
        Some((status, headers.collect()))
    }

    /// Reads a reply; `None` if the connection ends before the reply does.
    pub async fn reply(&mut self, bodyless: bool) -> Option<Reply> {
        let (status, headers) = self.head().await?;
        if status == 100 {
            return Box::pin(self.reply(bodyless)).await;
        }
        let none = bodyless || status == 204 || status == 304;
        let length = headers.get("content-length").filter(|_| !none);
        let length: usize = length.map_or(0, |value| value.to_str().unwrap().parse().unwrap());
        while self.buffer.len() < length {
            self.more().await?;
        }
        let body = self.buffer.drain(..length).collect();
        Some(Reply { status, headers, body })
    }

    /// Reads until the server closes and returns what came.
    pub async fn rest(&mut self) -> Vec<u8> {
        while self.more().await.is_some() {}
        std::mem::take(&mut self.buffer)
    }
}
