//! What the server promises, as scenarios against the real binary, told by Amazon's SDK and raw requests.
//!
//! `versioning_*` modules follow the versioning semantics; tests named `rule_NN_…` the numbered rules of S3
//! behaviour that clients depend on.
#![allow(
    clippy::disallowed_methods,
    reason = "the tests watch the product from outside: real clock, real files"
)]

mod bench;
mod bodies;
mod buckets;
mod chunked;
mod collect;
mod conditional_reads;
mod conditions;
mod crash;
mod delete_objects;
mod encodings;
mod engine_sled;
mod floods;
mod health;
mod keys;
mod large;
mod limits;
mod list_pages;
mod lists;
mod lost_files;
mod malformed_xml;
mod metrics;
mod multipart;
mod multipart_checksums;
mod multipart_copy;
mod multipart_errors;
mod multipart_replays;
mod order;
mod part_reads;
mod pasted_ids;
mod presigned;
mod reads;
mod regions;
mod settings;
mod signatures;
mod space;
mod stopping;
mod sub_resources;
mod versioning_copy;
mod versioning_copy_states;
mod versioning_deletes;
mod versioning_ids;
mod versioning_list_states;
mod versioning_lists;
mod versioning_reads;
mod versioning_states;
mod versioning_writes;
mod writes;
