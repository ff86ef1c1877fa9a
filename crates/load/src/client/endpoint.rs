//! Where requests go.

use std::fmt;
use std::str::FromStr;

/// An S3 endpoint; buckets are named in the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Host name or address, as connections need it: an IPv6 address has no brackets.
    pub(crate) host: String,
    /// The port.
    pub(crate) port: u16,
    /// What the `Host` header says.
    pub(crate) authority: String,
}

/// Why a text is no endpoint that can be reached.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotEndpoint {
    /// It is no URL.
    #[error("{0:?} is no endpoint: write http://HOST:PORT")]
    Malformed(String),
    /// It needs TLS.
    #[error("{0:?} needs TLS, which this harness does not speak: measure the plain port behind it")]
    Tls(String),
}

impl FromStr for Endpoint {
    type Err = NotEndpoint;

    fn from_str(text: &str) -> Result<Endpoint, NotEndpoint> {
        let malformed = || NotEndpoint::Malformed(text.to_owned());
        let uri: http::Uri = text.trim().parse().map_err(|_| malformed())?;
        match uri.scheme_str() {
            Some("http") => {}
            Some("https") => return Err(NotEndpoint::Tls(text.to_owned())),
            _ => return Err(malformed()),
        }
        if uri.path() != "/" || uri.query().is_some() {
            return Err(malformed());
        }
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'));
        let authority = authority.ok_or_else(malformed)?;
        // A port that is no number is no part of the authority that is understood.
        let understood = match authority.port_u16() {
            Some(port) => format!("{}:{port}", authority.host()),
            None => authority.host().to_owned(),
        };
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() || understood != authority.as_str() {
            return Err(malformed());
        }
        let port = authority.port_u16().unwrap_or(80);
        Ok(Endpoint { host, port, authority: authority.as_str().to_owned() })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", self.authority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_ports_and_addresses() {
        let parts = |text: &str| {
            text.parse::<Endpoint>()
                .map(|endpoint| (endpoint.host.clone(), endpoint.port, endpoint.to_string()))
        };
        let is = |host: &str, port, text: &str| Ok((host.to_owned(), port, text.to_owned()));
        assert_eq!(parts("http://127.0.0.1:9000/"), is("127.0.0.1", 9000, "http://127.0.0.1:9000"));
        assert_eq!(parts("http://s3.example.net"), is("s3.example.net", 80, "http://s3.example.net"));
        assert_eq!(parts("http://[::1]:9000"), is("::1", 9000, "http://[::1]:9000"));
        assert!(matches!(parts("https://s3.example.net"), Err(NotEndpoint::Tls(_))));
        for text in [
            "",
            "127.0.0.1:9000",
            "http://",
            "http://u@h",
            "http://h/b",
            "http://h?x",
            "ftp://h",
            "http://h:99999",
        ] {
            assert!(matches!(parts(text), Err(NotEndpoint::Malformed(_))), "{text}");
        }
    }
}
