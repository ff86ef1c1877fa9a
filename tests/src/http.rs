//! An HTTP/1.1 client that sends any bytes and reads one response: what no well-behaved library would do.

use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Result, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::request::Request;
use crate::serves::Serves;
use crate::sigv4::{Signer, UNSIGNED};

/// How long a response may take; a server that hangs longer has failed the test.
const PATIENCE: Duration = Duration::from_secs(60);

/// A response, read whole.
#[derive(Debug)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, unchunked.
    pub body: Vec<u8>,
}

impl Response {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The text of the first `<name>…</name>` in the body, as it is written there.
    pub fn element(&self, name: &str) -> Option<String> {
        self.elements(name).into_iter().next()
    }

    /// The texts of all `<name>…</name>` in the body, as they are written there.
    pub fn elements(&self, name: &str) -> Vec<String> {
        let (open, close) = (format!("<{name}>"), format!("</{name}>"));
        let text = self.text();
        let starts = text.split(&open).skip(1);
        starts.filter_map(|rest| rest.split_once(&close).map(|(inner, _)| inner.to_owned())).collect()
    }

    /// Status and S3 error code.
    pub fn failure(&self) -> (u16, String) {
        (self.status, self.element("Code").unwrap_or_default())
    }

    /// The response, which has this status.
    #[track_caller]
    pub fn expect_status(self, status: u16) -> Response {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }

    /// The response, which is this S3 error: status, code, and a body that says so.
    #[track_caller]
    pub fn expect_error(self, status: u16, code: &str) -> Response {
        assert_eq!(self.failure(), (status, code.to_owned()), "{}", self.text());
        assert!(self.element("Message").is_some(), "an error carries a message: {}", self.text());
        self
    }
}

/// Sends a signed request.
#[track_caller]
pub fn send(server: &impl Serves, request: Request) -> Response {
    send_unsigned(server, &Signer::root(server).sign(request))
}

/// Sends a request as it is.
#[track_caller]
pub fn send_unsigned(server: &impl Serves, request: &Request) -> Response {
    let request = match request.header_value("host") {
        Some(_) => request.clone(),
        None => request.clone().header("host", &server.s3().to_string()),
    };
    let mut stream = connect(server.s3());
    // A server may answer and close before it has read everything; then the answer counts, not the write.
    let written = stream.write_all(&request.bytes());
    read_response(&mut stream, &request.method)
        .unwrap_or_else(|error| panic!("no response: {error}, {written:?}"))
}

/// Sends bytes and reads what comes back, if anything does.
pub fn exchange(address: SocketAddr, bytes: &[u8]) -> Result<Response> {
    let mut stream = connect(address);
    let _ = stream.write_all(bytes);
    read_response(&mut stream, "GET")
}

/// Sends bytes and reads what comes back; an error if nobody answers in time.
pub fn try_exchange(address: SocketAddr, bytes: &[u8], patience: Duration) -> Result<Response> {
    let mut stream = TcpStream::connect_timeout(&address, patience)?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    let _ = stream.write_all(bytes);
    read_response(&mut stream, "GET")
}

/// The value of a metric without labels, as the console shows it; 0 if it never moved.
pub fn metric(server: &impl Serves, name: &str) -> u64 {
    let request = b"GET /metrics HTTP/1.1\r\nhost: console\r\nconnection: close\r\n\r\n";
    let metrics = exchange(server.console(), request).expect("the console answers").text();
    let value = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.map_or(0, |value| value.trim().parse().expect("a whole number"))
}

/// A connection on which reads end after a while.
pub fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("the server listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a valid duration");
    stream.set_write_timeout(Some(PATIENCE)).expect("a valid duration");
    stream
}

/// Reads one response; `method` tells whether it has a body. Interim (1xx) responses are passed over.
pub fn read_response(stream: &mut TcpStream, method: &str) -> Result<Response> {
    let mut reader = BufReader::new(stream);
    loop {
        let (status, headers) = read_head(&mut reader)?;
        if (100..200).contains(&status) {
            continue;
        }
        let mut response = Response { status, headers, body: Vec::new() };
        if method != "HEAD" && status != 204 && status != 304 {
            response.body = read_body(&mut reader, &response)?;
        }
        return Ok(response);
    }
}

/// Sends a signed request without a body and hands the response's body to `sink` piece by piece. The response
/// that is returned has an empty body.
pub fn download(server: &impl Serves, request: Request, mut sink: impl FnMut(&[u8])) -> Result<Response> {
    let request = Signer::root(server).sign(request);
    let mut stream = connect(server.s3());
    stream.write_all(&request.bytes())?;
    let mut reader = BufReader::with_capacity(1 << 20, stream);
    let (status, headers) = read_head(&mut reader)?;
    let response = Response { status, headers, body: Vec::new() };
    let length = response.header("content-length").and_then(|length| length.parse::<u64>().ok());
    let mut left = length.ok_or_else(|| invalid("no content length"))?;
    while left > 0 {
        let piece = reader.fill_buf()?;
        let count = piece.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        if count == 0 {
            return Err(Error::from(ErrorKind::UnexpectedEof));
        }
        sink(&piece[..count]);
        reader.consume(count);
        left -= count as u64;
    }
    Ok(response)
}

/// Sends a signed request whose body of `length` bytes `fill` makes piece by piece; its payload is not signed.
pub fn upload(
    server: &impl Serves,
    request: Request,
    length: u64,
    mut fill: impl FnMut(&mut [u8]),
) -> Result<Response> {
    let request = request.header("content-length", &length.to_string());
    let request = Signer::root(server).sign(request.header("x-amz-content-sha256", UNSIGNED));
    let mut stream = connect(server.s3());
    stream.write_all(&request.head())?;
    let mut buffer = vec![0; 1 << 20];
    let mut left = length;
    while left > 0 {
        let count = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        fill(&mut buffer[..count]);
        stream.write_all(&buffer[..count])?;
        left -= count as u64;
    }
    read_response(&mut stream, &request.method)
}

fn read_head(reader: &mut impl BufRead) -> Result<(u16, Vec<(String, String)>)> {
    let status_line = read_line(reader)?;
    let status = status_line.split(' ').nth(1).and_then(|code| code.parse().ok());
    let status = status.ok_or_else(|| invalid(&format!("status line {status_line:?}")))?;
    let mut headers = Vec::new();
    loop {
        let line = read_line(reader)?;
        if line.is_empty() {
            return Ok((status, headers));
        }
        let (name, value) = line.split_once(':').ok_or_else(|| invalid(&format!("header {line:?}")))?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
}

fn read_body(reader: &mut impl BufRead, response: &Response) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    if response.header("transfer-encoding") == Some("chunked") {
        loop {
            let size = read_line(reader)?;
            let size =
                u64::from_str_radix(&size, 16).map_err(|_| invalid(&format!("chunk size {size:?}")))?;
            let read = reader.take(size).read_to_end(&mut body)? as u64;
            if read != size {
                return Err(Error::from(ErrorKind::UnexpectedEof));
            }
            read_line(reader)?;
            if size == 0 {
                return Ok(body);
            }
        }
    }
    if let Some(length) = response.header("content-length") {
        let length: u64 = length.parse().map_err(|_| invalid(&format!("content length {length:?}")))?;
        if reader.take(length).read_to_end(&mut body)? as u64 != length {
            return Err(Error::from(ErrorKind::UnexpectedEof));
        }
        return Ok(body);
    }
    reader.read_to_end(&mut body)?;
    Ok(body)
}

fn read_line(reader: &mut impl BufRead) -> Result<String> {
    let mut line = Vec::new();
    reader.read_until(b'\n', &mut line)?;
    if line.pop() != Some(b'\n') {
        return Err(Error::from(ErrorKind::UnexpectedEof));
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    String::from_utf8(line).map_err(|_| invalid("text that is not UTF-8"))
}

fn invalid(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, what.to_owned())
}
