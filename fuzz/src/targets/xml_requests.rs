//! The documents that clients send. What was read is written again, in another way, and must read the same.

use esker_s3::ErrorCode;
use esker_s3::checksum::{element_name, to_text};
use esker_s3::xml::read::{
    CompletedPart, DeleteEntry, DeleteRequest, Verbosity, complete_multipart_upload,
    create_bucket_configuration, delete_objects, versioning_configuration,
};
use esker_s3::xml::results::VersioningResult;
use esker_types::ETagCondition;

/// A document of each kind.
pub fn seeds() -> Vec<Vec<u8>> {
    let namespace = "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"";
    let tag = "d41d8cd98f00b204e9800998ecf8427e";
    [
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<CreateBucketConfiguration {namespace}>\
             <LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>"
        ),
        format!("<VersioningConfiguration {namespace}><Status>Enabled</Status></VersioningConfiguration>"),
        "<VersioningConfiguration><MfaDelete>Disabled</MfaDelete><Status>Suspended</Status>\
         </VersioningConfiguration>"
            .to_owned(),
        format!(
            "<Delete {namespace}><Object><Key>a&amp;b &#13;\t&#x1;</Key><VersionId>null</VersionId></Object>\
             <Object><Key><![CDATA[<k>]]></Key><ETag>&quot;{tag}&quot;</ETag></Object>\
             <Object><Key>ü</Key><Size>5</Size></Object><Quiet>true</Quiet></Delete>"
        ),
        format!(
            "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>\"{tag}\"</ETag>\
             <ChecksumCRC32>AAEC/w==</ChecksumCRC32></Part><Part><ETag>{tag}-2</ETag>\
             <PartNumber>10000</PartNumber></Part></CompleteMultipartUpload>"
        ),
    ]
    .map(String::into_bytes)
    .to_vec()
}

/// Reads `data` as each kind of document.
pub fn run(data: &[u8]) {
    let _ = create_bucket_configuration(data, "eu-west-1");
    if let Ok(state) = versioning_configuration(data) {
        assert_eq!(versioning_configuration(VersioningResult { state }.to_xml().as_bytes()), Ok(state));
    }
    if let Ok(request) = delete_objects(data) {
        assert!((1..=1000).contains(&request.entries.len()));
        for entry in &request.entries {
            if let Ok(target) = &entry.target {
                assert_eq!(target.key.as_str(), entry.key);
                assert_eq!(target.version.is_some(), entry.version.is_some(), "never another kind of delete");
            }
        }
        assert_eq!(delete_objects(delete_document(&request).as_bytes()).as_ref(), Ok(&request));
    }
    if let Ok(parts) = complete_multipart_upload(data) {
        assert!(parts.iter().all(|part| (1..=10_000).contains(&part.number)));
        assert_eq!(complete_multipart_upload(complete_document(&parts).as_bytes()).as_ref(), Ok(&parts));
    }
}

fn delete_document(request: &DeleteRequest) -> String {
    let quiet = if request.verbosity == Verbosity::Quiet { element("Quiet", "true") } else { String::new() };
    let entries: String = request.entries.iter().map(delete_entry).collect();
    format!("<Delete>{quiet}{entries}</Delete>")
}

fn delete_entry(entry: &DeleteEntry) -> String {
    let mut content = element("Key", &entry.key);
    if let Some(version) = &entry.version {
        content = element("VersionId", version) + &content;
    }
    match &entry.target {
        Ok(target) => content.extend(target.if_match.as_ref().map(|tags| element("ETag", &condition(tags)))),
        // Conditions for directory buckets; what else may be wrong is in the key or the version.
        Err(error) if error.code == ErrorCode::NotImplemented => content.push_str(&element("Size", "0")),
        Err(_) => {}
    }
    format!("<Object>{content}</Object>")
}

fn condition(condition: &ETagCondition) -> String {
    match condition {
        ETagCondition::Any => "*".to_owned(),
        ETagCondition::Tags(tags) if tags.is_empty() => "no tag".to_owned(),
        ETagCondition::Tags(tags) => tags.iter().map(|tag| tag.quoted()).collect::<Vec<_>>().join(","),
    }
}

fn complete_document(parts: &[CompletedPart]) -> String {
    let part = |part: &CompletedPart| {
        let checksums = part.checksums.iter();
        let checksums = checksums.map(|sum| element(element_name(sum.algorithm()), &to_text(sum)));
        let tag = part.etag.as_ref().map_or("no tag".to_owned(), ToString::to_string);
        let number = element("PartNumber", &part.number.to_string());
        format!("<Part>{}{}{number}</Part>", checksums.collect::<String>(), element("ETag", &tag))
    };
    let parts: String = parts.iter().map(part).collect();
    format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>")
}

/// Every character as a reference, so that none has a meaning in XML.
fn element(name: &str, text: &str) -> String {
    let text: String = text.chars().map(|c| format!("&#x{:x};", u32::from(c))).collect();
    format!("<{name}>{text}</{name}>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_seed_is_a_document_of_one_kind() {
        for seed in seeds() {
            let kinds = [
                create_bucket_configuration(&seed, "eu-west-1").is_ok(),
                versioning_configuration(&seed).is_ok(),
                delete_objects(&seed).is_ok(),
                complete_multipart_upload(&seed).is_ok(),
            ];
            let text = String::from_utf8_lossy(&seed);
            assert_eq!(kinds.iter().filter(|is_kind| **is_kind).count(), 1, "{text}");
        }
    }
}
