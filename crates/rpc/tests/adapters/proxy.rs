//! A network that can be cut: what passes between a client and a node goes through here.

use std::net::SocketAddr;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Open,
    /// Connections break.
    Cut,
    /// Nothing passes, and nobody is told.
    Silent,
}

/// Forwards connections to a node.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    way: watch::Sender<Way>,
}

impl Proxy {
    pub(crate) async fn start(to: SocketAddr) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (way, watched) = watch::channel(Way::Open);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let far = TcpStream::connect(to).await.unwrap();
                let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
                tokio::spawn(forward(near_in, far_out, watched.clone()));
                tokio::spawn(forward(far_in, near_out, watched.clone()));
            }
        });
        Proxy { address, way }
    }

    /// Breaks every connection, as the death of a process does.
    pub(crate) fn cut(&self) {
        self.way.send_replace(Way::Cut);
    }

    /// Lets nothing pass any more, as the death of a machine does.
    pub(crate) fn silence(&self) {
        self.way.send_replace(Way::Silent);
    }
}

async fn forward(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut way: watch::Receiver<Way>) {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = tokio::select! {
            biased;
            now = no_longer_open(&mut way) => match now {
                Some(Way::Silent) => std::future::pending().await,
                _ => return,
            },
            read = from.read(&mut buffer) => read,
        };
        match read {
            Ok(bytes @ 1..) if to.write_all(&buffer[..bytes]).await.is_ok() => {}
            _ => return,
        }
    }
}

/// None if the test is over.
async fn no_longer_open(way: &mut watch::Receiver<Way>) -> Option<Way> {
    way.wait_for(|way| *way != Way::Open).await.ok().map(|way| *way)
}
