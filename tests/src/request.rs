//! HTTP requests whose every byte a test decides, signed or not, right or wrong.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What SigV4 leaves as it is: unreserved characters.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Percent-encodes everything but unreserved characters.
pub fn encode(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED).to_string()
}

/// The path of a bucket's key, encoded; slashes stay.
pub fn path_of(bucket: &str, key: &str) -> String {
    let segments: Vec<String> = key.split('/').map(encode).collect();
    format!("/{bucket}/{}", segments.join("/"))
}

/// How the length of the body is told.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// `Content-Length` of the body, unless the request already carries one.
    Length,
    /// Whatever headers the request carries; the body follows as it is.
    AsWritten,
}

/// A request, before it is put into bytes.
#[derive(Clone)]
pub struct Request {
    /// `GET`, `PUT`, …
    pub method: String,
    /// The encoded path.
    pub path: String,
    /// Query parameters, decoded; `None` for one without `=`.
    pub query: Vec<(String, Option<String>)>,
    /// Headers in the order in which they are sent, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body as it is sent.
    pub body: Vec<u8>,
    /// How the length of the body is told.
    pub framing: Framing,
}

impl Request {
    /// A request for an encoded path, with query parameters after `?` taken as they are (`a=b&c`).
    pub fn new(method: &str, target: &str) -> Request {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| match pair.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (pair.to_owned(), None),
        });
        Request {
            method: method.to_owned(),
            path: path.to_owned(),
            query: pairs.collect(),
            headers: Vec::new(),
            body: Vec::new(),
            framing: Framing::Length,
        }
    }

    /// Adds a query parameter; the value is encoded when it is sent.
    pub fn query(mut self, name: &str, value: &str) -> Request {
        self.query.push((name.to_owned(), Some(value.to_owned())));
        self
    }

    /// Sets a header, replacing one of the same name.
    pub fn header(mut self, name: &str, value: &str) -> Request {
        self.headers.retain(|(other, _)| other != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Request {
        self.body = body.into();
        self
    }

    /// Leaves the framing of the body to the headers that the test sets.
    pub fn framing_as_written(mut self) -> Request {
        self.framing = Framing::AsWritten;
        self
    }

    /// The value of a header.
    pub fn header_value(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// The query as it is sent.
    pub fn query_text(&self) -> String {
        let pairs = self.query.iter().map(|(name, value)| match value {
            Some(value) => format!("{}={}", encode(name), encode(value)),
            None => encode(name),
        });
        pairs.collect::<Vec<_>>().join("&")
    }

    /// Path and query as they are sent.
    pub fn target(&self) -> String {
        match self.query_text().as_str() {
            "" => self.path.clone(),
            query => format!("{}?{query}", self.path),
        }
    }

    /// The head as it is sent, with the empty line. The connection ends with the response.
    pub fn head(&self) -> Vec<u8> {
        self.head_for("close")
    }

    /// Head and body as they are sent on a connection that goes on after the response.
    pub fn bytes_kept_alive(&self) -> Vec<u8> {
        [self.head_for("keep-alive"), self.body.clone()].concat()
    }

    fn head_for(&self, connection: &str) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.target());
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let told = self.header_value("content-length").is_some();
        if self.framing == Framing::Length && !told {
            head.push_str(&format!("content-length: {}\r\n", self.body.len()));
        }
        head.push_str(&format!("connection: {connection}\r\n\r\n"));
        head.into_bytes()
    }

    /// Head and body as they are sent.
    pub fn bytes(&self) -> Vec<u8> {
        [self.head(), self.body.clone()].concat()
    }
}
