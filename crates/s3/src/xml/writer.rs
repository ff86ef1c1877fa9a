//! Writes XML text; knows nothing of S3.

use std::fmt::{Display, Write as _};

/// What every document begins with.
pub(super) const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// A document in the making.
#[derive(Debug)]
pub(super) struct Writer {
    text: String,
}

impl Writer {
    /// A document with this root, whose content `content` writes.
    pub(super) fn document(root: &str, namespace: Option<&str>, content: impl FnOnce(&mut Writer)) -> String {
        let mut writer = Writer { text: String::with_capacity(1024) };
        writer.text.push_str(DECLARATION);
        writer.text.push('<');
        writer.text.push_str(root);
        if let Some(namespace) = namespace {
            writer.text.push_str(" xmlns=\"");
            writer.text.push_str(namespace);
            writer.text.push('"');
        }
        writer.text.push('>');
        content(&mut writer);
        writer.end(root);
        writer.text
    }

    /// An element with content.
    pub(super) fn element(&mut self, name: &str, content: impl FnOnce(&mut Writer)) {
        self.start(name);
        content(self);
        self.end(name);
    }

    /// An element with text.
    pub(super) fn text(&mut self, name: &str, text: impl AsRef<str>) {
        self.start(name);
        escape_into(&mut self.text, text.as_ref());
        self.end(name);
    }

    /// An element whose value needs no escaping, such as a number.
    pub(super) fn plain(&mut self, name: &str, value: impl Display) {
        self.start(name);
        let _ = write!(self.text, "{value}");
        self.end(name);
    }

    /// Text between elements.
    pub(super) fn characters(&mut self, text: &str) {
        escape_into(&mut self.text, text);
    }

    fn start(&mut self, name: &str) {
        self.text.push('<');
        self.text.push_str(name);
        self.text.push('>');
    }

    fn end(&mut self, name: &str) {
        self.text.push_str("</");
        self.text.push_str(name);
        self.text.push('>');
    }
}

/// Escapes text. Like S3, this writes characters that XML 1.0 cannot carry as references (`&#x1;`), which
/// strict parsers refuse: clients that have such keys ask for `encoding-type=url`.
fn escape_into(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str("&#13;"),
            '\t' | '\n' => out.push(c),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {
                let _ = write!(out, "&#x{:x};", u32::from(c));
            }
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::tree::Element;
    use proptest::prelude::*;

    // s3-rules 21
    #[test]
    fn escapes_are_golden() {
        let document = Writer::document("A", None, |w| w.text("B", "<a&b>\"'\r\n\t\u{1}\0\u{fffe}é "));
        assert_eq!(
            document,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <A><B>&lt;a&amp;b&gt;&quot;'&#13;\n\t&#x1;&#x0;&#xfffe;é </B></A>"
        );
    }

    proptest! {
        // s3-rules 21: every key survives, white space, CR and control characters included.
        #[test]
        fn any_text_round_trips(text in any::<String>(), controls in "[\\x00-\\x20&<>\r\n]{0,20}") {
            for text in [text, controls] {
                let document = Writer::document("A", None, |w| w.text("B", &text));
                let tree = Element::parse(document.as_bytes(), "A").expect("well-formed");
                prop_assert_eq!(tree.child_text("B").expect("one"), Some(text.as_str()));
            }
        }
    }
}
