//! What the build makes of the files in `proto`.
#![allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic, clippy::restriction)]

pub(super) mod control {
    tonic::include_proto!("esker.control.v1");
}

pub(super) mod storage {
    tonic::include_proto!("esker.storage.v1");
}

pub(super) mod metadata {
    tonic::include_proto!("esker.metadata.v1");
}
