//! A request body as a small tree, with everything refused that S3's documents do not need (s3-rules 21).

use crate::error::{ErrorCode, S3Error};
use quick_xml::Reader;
use quick_xml::events::Event;

/// Deepest nesting: `Delete/Object/Key` has 3.
const DEPTH_MAX: usize = 8;
/// Most elements: CompleteMultipartUpload has up to 10,000 parts of at most 8 elements.
const ELEMENTS_MAX: usize = 100_000;

/// An element: its local name, its text exactly as sent, its children. Attributes are ignored.
#[derive(Debug, Default)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) text: String,
    pub(super) children: Vec<Element>,
}

/// The body is not XML, or XML of a kind that S3 does not accept.
pub(super) fn malformed() -> S3Error {
    ErrorCode::MalformedXml.into()
}

impl Element {
    /// Parses a document whose root has this name, in any namespace or none.
    ///
    /// Text is never trimmed; line ends are normalised as XML 1.0 section 2.11 says, so that a carriage return
    /// travels as `&#13;`. Character references may name characters that XML 1.0 forbids, since keys may
    /// contain them.
    ///
    /// # Errors
    /// `MalformedXML`, also for a DTD, an entity other than the five predefined, and too much nesting.
    pub(super) fn parse(body: &[u8], root: &str) -> Result<Element, S3Error> {
        let text = std::str::from_utf8(body).map_err(|_| malformed())?;
        let mut reader = Reader::from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
        let mut tree = Tree::default();
        loop {
            match reader.read_event().map_err(|_| malformed())? {
                Event::Start(tag) => tree.open(tag.local_name().as_ref())?,
                Event::Empty(tag) => {
                    tree.open(tag.local_name().as_ref())?;
                    tree.close()?;
                }
                Event::End(_) => tree.close()?,
                Event::Text(text) => tree.text(&text.xml10_content())?,
                Event::CData(text) => tree.text(&text.xml10_content())?,
                Event::GeneralRef(reference) => {
                    let mut buffer = [0; 4];
                    tree.text(resolve(&reference)?.encode_utf8(&mut buffer))?;
                }
                Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
                Event::DocType(_) => return Err(malformed()),
                Event::Eof => return tree.finish(root),
            }
        }
    }

    /// The only child of this name.
    ///
    /// # Errors
    /// `MalformedXML` if there are several.
    pub(super) fn child(&self, name: &str) -> Result<Option<&Element>, S3Error> {
        let mut named = self.children.iter().filter(|child| child.name == name);
        let first = named.next();
        if named.next().is_some() { Err(malformed()) } else { Ok(first) }
    }

    /// The text of the only child of this name.
    ///
    /// # Errors
    /// `MalformedXML` if there are several, or the child has children of its own.
    pub(super) fn child_text(&self, name: &str) -> Result<Option<&str>, S3Error> {
        match self.child(name)? {
            Some(child) if !child.children.is_empty() => Err(malformed()),
            child => Ok(child.map(|child| child.text.as_str())),
        }
    }

    /// Refuses children that are not among these.
    ///
    /// # Errors
    /// `MalformedXML`
    pub(super) fn only(&self, names: &[&str]) -> Result<(), S3Error> {
        let known = self.children.iter().all(|child| names.contains(&child.name.as_str()));
        if known { Ok(()) } else { Err(malformed()) }
    }
}

/// The tree while it is built.
#[derive(Default)]
struct Tree {
    open: Vec<Element>,
    root: Option<Element>,
    elements: usize,
}

impl Tree {
    fn open(&mut self, name: &str) -> Result<(), S3Error> {
        self.elements += 1;
        if self.open.len() >= DEPTH_MAX || self.elements > ELEMENTS_MAX || self.root.is_some() {
            return Err(malformed());
        }
        self.open.push(Element { name: name.to_owned(), ..Element::default() });
        Ok(())
    }

    fn close(&mut self) -> Result<(), S3Error> {
        let element = self.open.pop().ok_or_else(malformed)?;
        match self.open.last_mut() {
            Some(parent) => parent.children.push(element),
            None => self.root = Some(element),
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), S3Error> {
        match self.open.last_mut() {
            Some(element) => element.text.push_str(text),
            None if text.trim().is_empty() => {}
            None => return Err(malformed()),
        }
        Ok(())
    }

    fn finish(self, root: &str) -> Result<Element, S3Error> {
        if !self.open.is_empty() {
            return Err(malformed());
        }
        self.root.filter(|element| element.name == root).ok_or_else(malformed)
    }
}

fn resolve(reference: &str) -> Result<char, S3Error> {
    let code = |digits: &str, radix| {
        let plain = digits.bytes().all(|b| b.is_ascii_hexdigit());
        let code = plain.then(|| u32::from_str_radix(digits, radix).ok()).flatten();
        code.and_then(char::from_u32).ok_or_else(malformed)
    };
    match reference {
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "amp" => Ok('&'),
        "quot" => Ok('"'),
        "apos" => Ok('\''),
        _ => match (reference.strip_prefix("#x"), reference.strip_prefix('#')) {
            (Some(digits), _) => code(digits, 16),
            (None, Some(digits)) => code(digits, 10),
            (None, None) => Err(malformed()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(body: &str) -> Result<String, ErrorCode> {
        Element::parse(body.as_bytes(), "A").map(|element| element.text).map_err(|error| error.code)
    }

    // s3-rules 21
    #[test]
    fn text_is_exact() {
        let is = |expected: &str| Ok(expected.to_owned());
        assert_eq!(text("<A>  a b\t</A>"), is("  a b\t"));
        assert_eq!(text("<A> </A>"), is(" "));
        assert_eq!(text("<A>&lt;&gt;&amp;&quot;&apos;</A>"), is("<>&\"'"));
        assert_eq!(text("<A>a&#13;b&#xD;c&#10;</A>"), is("a\rb\rc\n"));
        assert_eq!(text("<A>a\r\nb\rc</A>"), is("a\nb\nc"));
        assert_eq!(text("<A>&#x1;&#0;&#x1F600;</A>"), is("\u{1}\0😀"));
        assert_eq!(text("<A><![CDATA[<b> &amp;]]>c</A>"), is("<b> &amp;c"));
        assert_eq!(text("\u{feff}<?xml version=\"1.0\"?>\n<!-- x --><A>b<!-- c -->d</A>\n"), is("bd"));
    }

    // s3-rules 21
    #[test]
    fn a_namespace_is_optional() {
        for body in [
            "<A>b</A>",
            "<A xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">b</A>",
            "<s3:A xmlns:s3=\"http://s3.amazonaws.com/doc/2006-03-01/\">b</s3:A>",
        ] {
            assert_eq!(text(body).as_deref(), Ok("b"), "{body}");
        }
    }

    // s3-rules 21
    #[test]
    fn what_could_be_a_trap_is_refused() {
        let deep = format!("{}{}", "<A>".repeat(9), "</A>".repeat(9));
        let wide = format!("<A>{}</A>", "<B/>".repeat(ELEMENTS_MAX));
        for body in [
            "",
            "   ",
            "x",
            "<B/>",
            "<A>",
            "<A></B>",
            "</A>",
            "<A/><A/>",
            "<A/>x",
            "<A>&",
            "<A>&unknown;</A>",
            "<A>&#xD800;</A>",
            "<A>&#-1;</A>",
            "<A>&#x;</A>",
            "<!DOCTYPE A [<!ENTITY e \"x\">]><A>&e;</A>",
            "<!DOCTYPE A><A/>",
            &deep,
            &wide,
        ] {
            assert_eq!(text(body), Err(ErrorCode::MalformedXml), "{}", &body[..body.len().min(80)]);
        }
        assert!(Element::parse(b"<A>\xff</A>", "A").is_err());
    }

    proptest! {
        #[test]
        fn parsing_never_panics(body in any::<Vec<u8>>(), text in "[<>/&;#xA-C!?\\[\\]\\- \"=0-9]{0,60}") {
            let _ = Element::parse(&body, "A");
            let _ = Element::parse(text.as_bytes(), "A");
        }
    }
}
