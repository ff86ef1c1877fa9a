//! A client's connection to one gateway: kept alive between requests, and opened anew when it broke.

use crate::http::{Response, read_response};
use crate::request::Request;
use crate::sigv4::Signer;
use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Why there is no response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The gateway certainly did not get the request.
    NotSent(String),
    /// It may have, and the answer is not known.
    NoAnswer(String),
}

/// A connection of the root user.
pub struct Connection {
    address: SocketAddr,
    patience: Duration,
    stream: Option<TcpStream>,
}

impl Connection {
    /// To whoever serves S3 at this address. Nothing is sent yet. A silence of `patience` ends a request.
    pub fn new(address: SocketAddr, patience: Duration) -> Connection {
        Connection { address, patience, stream: None }
    }

    /// Signs and sends a request, and reads the response.
    pub fn exchange(&mut self, request: Request) -> Result<Response, Trouble> {
        let request = Signer::root_at(self.address).sign(request);
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => self.connect().map_err(|error| Trouble::NotSent(error.to_string()))?,
        };
        // A server may answer and close before it has read everything; then the answer counts, not the write.
        let written = stream.write_all(&request.bytes_kept_alive());
        let response = read_response(&mut stream, &request.method)
            .map_err(|error| Trouble::NoAnswer(format!("{error}, {written:?}")))?;
        if response.header("connection") != Some("close") {
            self.stream = Some(stream);
        }
        Ok(response)
    }

    fn connect(&self) -> std::io::Result<TcpStream> {
        let stream = TcpStream::connect_timeout(&self.address, self.patience)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(self.patience))?;
        stream.set_write_timeout(Some(self.patience))?;
        Ok(stream)
    }
}
