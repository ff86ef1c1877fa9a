//! Reads XML as a client does, to see whether what the server wrote means what it was given.

use quick_xml::Reader;
use quick_xml::events::Event;

/// The elements of a document that have no children, in order, each with its text.
///
/// # Panics
/// If the document is not well-formed, or refers to anything but a character.
pub fn leaves(document: &str) -> Vec<(String, String)> {
    let mut reader = Reader::from_str(document);
    let mut open: Vec<(String, String, bool)> = Vec::new();
    let mut leaves = Vec::new();
    loop {
        let event = reader.read_event().unwrap_or_else(|error| panic!("{error} in {document:?}"));
        match event {
            Event::Start(tag) => {
                open.iter_mut().for_each(|(_, _, is_leaf)| *is_leaf = false);
                open.push((tag.local_name().as_ref().to_owned(), String::new(), true));
            }
            Event::End(_) => {
                let (name, text, is_leaf) = open.pop().expect("an open element");
                if is_leaf {
                    leaves.push((name, text));
                }
            }
            Event::Text(text) => push(&mut open, &text.xml10_content()),
            Event::GeneralRef(reference) => push(&mut open, &resolve(&reference).to_string()),
            Event::Decl(_) => {}
            Event::Eof => {
                assert!(open.is_empty(), "the document ends early: {document:?}");
                return leaves;
            }
            other => panic!("the server does not write this: {other:?}"),
        }
    }
}

/// The texts of all leaves of this name.
pub fn texts<'a>(leaves: &'a [(String, String)], name: &str) -> Vec<&'a str> {
    leaves.iter().filter(|(leaf, _)| leaf == name).map(|(_, text)| text.as_str()).collect()
}

fn push(open: &mut [(String, String, bool)], text: &str) {
    match open.last_mut() {
        Some((_, content, _)) => content.push_str(text),
        None => assert!(text.trim().is_empty(), "text outside of the root: {text:?}"),
    }
}

fn resolve(reference: &str) -> char {
    match reference {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        "apos" => '\'',
        _ => {
            let code = match reference.strip_prefix("#x") {
                Some(digits) => u32::from_str_radix(digits, 16).ok(),
                None => reference.strip_prefix('#').and_then(|digits| digits.parse().ok()),
            };
            code.and_then(char::from_u32).unwrap_or_else(|| panic!("no character: &{reference};"))
        }
    }
}
