//! What a node holds in memory when it does nothing, and when many large uploads come at once.

use super::context::{Context, RunError};
use super::texts;
use crate::client::connection::Connection;
use crate::client::setup::make_bucket;
use crate::client::sign::{Call, Payload, Signer};
use crate::process::Process;
use crate::row::{Row, Target, Unit};
use futures::future::try_join_all;
use http::Method;
use http::header::CONTENT_LENGTH;
use std::fmt::Write as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const MIB: f64 = (1 << 20) as f64;
const UPLOADS: usize = 64;
const UPLOAD_BYTES: u64 = 1 << 30;

pub(super) async fn run(cx: &Context) -> Result<Vec<Row>, RunError> {
    let esker = cx.esker()?;
    make_bucket(esker.s3(), "bench").await?;
    let idle = esker.rss_bytes()? as f64 / MIB;
    let sent = cx.scale.upload_bytes;
    let piece = Payload::of_size(256 << 10);
    try_join_all((0..UPLOADS).map(|number| upload(&esker, number, sent, &piece))).await?;
    let peak = esker.rss_peak_bytes()? as f64 / MIB;
    let how = match sent == UPLOAD_BYTES {
        true => "all stored".to_owned(),
        false => format!("each cut off after {}", texts::size(usize::try_from(sent).unwrap_or(usize::MAX))),
    };
    // The node still answers.
    Connection::open(esker.s3()).await?.call(&Call::new(Method::HEAD, "/bench"), &[200]).await?;
    Ok(vec![
        Row::new("memory of an idle node", idle, Unit::Mebibytes, Target::AtMost(64.0)),
        Row::new(
            "memory, at most, under 64 PUTs of 1 GiB at once",
            peak,
            Unit::Mebibytes,
            Target::AtMost(400.0),
        )
        .measured(how),
    ])
}

/// A PUT of 1 GiB, or the beginning of one: the client goes away after `sent` bytes.
async fn upload(esker: &Process, number: usize, sent: u64, piece: &Payload) -> Result<(), RunError> {
    let call = Call::put(format!("/bench/{number}"), &Payload::unsigned());
    let request = Signer::new(esker.s3()).sign(&call);
    let mut head =
        format!("{} {} HTTP/1.1\r\ncontent-length: {UPLOAD_BYTES}\r\n", request.method(), request.uri());
    for (name, value) in request.headers().iter().filter(|(name, _)| *name != CONTENT_LENGTH) {
        // Writing to a text can't fail.
        let _ = write!(head, "{name}: {}\r\n", value.to_str().unwrap_or_default());
    }
    let mut stream = TcpStream::connect(esker.s3()).await?;
    stream.write_all(format!("{head}\r\n").as_bytes()).await?;
    let mut left = sent;
    while left > 0 {
        let bytes = piece.bytes();
        let length = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        if let Err(error) = stream.write_all(&bytes[..length]).await {
            // A server that takes no more may have said why.
            let mut told = String::new();
            let _ = stream.read_to_string(&mut told).await;
            let sent = sent - left;
            return Err(RunError::Wrong(format!("a PUT of 1 GiB ended after {sent} bytes: {error}; {told}")));
        }
        left -= length as u64;
    }
    if sent < UPLOAD_BYTES {
        return Ok(());
    }
    let mut start = [0; 12];
    stream.read_exact(&mut start).await?;
    match start.ends_with(b" 200") {
        true => Ok(()),
        false => {
            Err(RunError::Wrong(format!("a PUT of 1 GiB was answered: {}", String::from_utf8_lossy(&start))))
        }
    }
}
