//! A message as it goes over the wire: lines ended by CRLF, dots at their start doubled, the end
//! of data behind it.

/// A message for the wire.
#[derive(Debug)]
pub(super) struct Content {
    bytes: Vec<u8>,
    end: usize,
    is_ascii: bool,
}

const END_OF_DATA: &[u8] = b".\r\n";

impl Content {
    pub(super) fn new(message: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(message.len() + message.len() / 64 + 8);
        let mut from = 0;
        let mut at = 0;
        let mut line_start = true;
        while at < message.len() {
            match message[at] {
                b'.' if line_start => {
                    bytes.extend_from_slice(&message[from..=at]);
                    from = at;
                    line_start = false;
                    // The copied dot and the one still to copy are the doubled dot.
                    at += 1;
                }
                b'\r' | b'\n' => {
                    bytes.extend_from_slice(&message[from..at]);
                    bytes.extend_from_slice(b"\r\n");
                    at += if message[at..].starts_with(b"\r\n") { 2 } else { 1 };
                    from = at;
                    line_start = true;
                }
                _ => {
                    line_start = false;
                    at += 1;
                }
            }
        }
        bytes.extend_from_slice(&message[from..]);
        if !line_start {
            bytes.extend_from_slice(b"\r\n");
        }
        let end = bytes.len();
        bytes.extend_from_slice(END_OF_DATA);
        Self { bytes, end, is_ascii: message.is_ascii() }
    }

    /// Everything, the end of data included.
    pub(super) fn whole(&self) -> &[u8] {
        &self.bytes
    }

    /// Everything before the end of data.
    pub(super) fn body(&self) -> &[u8] {
        &self.bytes[..self.end]
    }

    /// The end of data: once it is written, the message is the server's.
    pub(super) fn end(&self) -> &[u8] {
        &self.bytes[self.end..]
    }

    pub(super) fn is_ascii(&self) -> bool {
        self.is_ascii
    }
}

#[cfg(test)]
mod tests {
    use super::Content;

    fn check(message: &str, wire: &str) {
        let content = Content::new(message.as_bytes());
        assert_eq!(String::from_utf8_lossy(content.whole()), wire, "{message:?}");
        assert_eq!([content.body(), content.end()].concat(), content.whole());
    }

    #[test]
    fn lines_end_in_crlf_and_dots_are_doubled() {
        check("", ".\r\n");
        check("a", "a\r\n.\r\n");
        check("a\r\n", "a\r\n.\r\n");
        check("a\nb\rc\r\nd", "a\r\nb\r\nc\r\nd\r\n.\r\n");
        check(".", "..\r\n.\r\n");
        check("..\r\n", "...\r\n.\r\n");
        check("a\r\n.\r\nb", "a\r\n..\r\nb\r\n.\r\n");
        check("a\n.\nb", "a\r\n..\r\nb\r\n.\r\n");
        check("a\r.\rb", "a\r\n..\r\nb\r\n.\r\n");
        check("a.b\r\n\r\n.c", "a.b\r\n\r\n..c\r\n.\r\n");
        check("\r\r\n\n", "\r\n\r\n\r\n.\r\n");
    }
}
