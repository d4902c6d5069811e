//! Rust text without what is not code: comments and literals become blanks, at the same places.

/// The text with the content of comments, strings and character literals blanked. Lines and
/// columns stay where they are.
pub(super) fn code_only(text: &str) -> String {
    let mut blanker = Blanker { text: text.as_bytes(), at: 0, out: Vec::with_capacity(text.len()) };
    while blanker.at < blanker.text.len() {
        blanker.step();
    }
    String::from_utf8(blanker.out).expect("only whole literals and comments were blanked")
}

/// Whether a byte can be part of an identifier.
pub(super) fn is_word(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric()
}

/// Where `word` stands in `code` as a whole word.
pub(super) fn find_words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let bytes = code.as_bytes();
    code.match_indices(word).map(|(at, _)| at).filter(move |at| {
        let before = at.checked_sub(1).map(|at| bytes[at]);
        let after = bytes.get(at + word.len()).copied();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

/// The number of the line of a byte, from 1.
pub(super) fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1
}

struct Blanker<'a> {
    text: &'a [u8],
    at: usize,
    out: Vec<u8>,
}

impl Blanker<'_> {
    fn step(&mut self) {
        let rest = &self.text[self.at..];
        let in_word = self.at > 0 && is_word(self.text[self.at - 1]);
        if rest.starts_with(b"//") {
            let length = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
            self.blank(length);
        } else if rest.starts_with(b"/*") {
            self.blank(block_comment_length(rest));
        } else if let Some(length) = string_length(rest).filter(|_| !in_word || rest[0] == b'"') {
            self.blank(length);
        } else if let Some(length) = char_length(rest) {
            self.blank(length);
        } else {
            self.out.push(rest[0]);
            self.at += 1;
        }
    }

    fn blank(&mut self, length: usize) {
        for byte in &self.text[self.at..self.at + length] {
            self.out.push(if *byte == b'\n' { b'\n' } else { b' ' });
        }
        self.at += length;
    }
}

fn block_comment_length(text: &[u8]) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        match &text[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

/// Length of the string literal that begins here, with its prefix.
fn string_length(text: &[u8]) -> Option<usize> {
    let prefix = text.iter().take(2).take_while(|byte| b"bcr".contains(byte)).count();
    let raw = text[..prefix].contains(&b'r');
    let hashes = match raw {
        true => text[prefix..].iter().take_while(|byte| **byte == b'#').count(),
        false => 0,
    };
    let start = prefix + hashes;
    if text.get(start) != Some(&b'"') {
        return None;
    }
    let mut at = start + 1;
    while at < text.len() {
        let closes = text[at] == b'"' && text[at + 1..].iter().take(hashes).all(|b| *b == b'#');
        match text[at] {
            b'\\' if !raw => at += 2,
            b'"' if closes => return Some(at + 1 + hashes),
            _ => at += 1,
        }
    }
    Some(text.len())
}

/// Length of the character literal that begins here; `None` for a lifetime.
fn char_length(text: &[u8]) -> Option<usize> {
    let rest = text.strip_prefix(b"'")?;
    if rest.first() == Some(&b'\\') {
        let close = rest.iter().skip(2).position(|byte| *byte == b'\'')?;
        return Some(close + 4);
    }
    let width = std::str::from_utf8(&rest[..rest.len().min(4)])
        .or_else(|error| std::str::from_utf8(&rest[..error.valid_up_to()]))
        .ok()?
        .chars()
        .next()?
        .len_utf8();
    (rest.get(width) == Some(&b'\'')).then_some(width + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(given: &str, expected: &str) {
        assert_eq!(code_only(given), expected);
    }

    #[test]
    fn comments_and_literals_are_blanked() {
        check("a // b\nc", "a     \nc");
        check("a /* b /* c */ */ d", "a                 d");
        check(r#"f("a\"b") + g"#, "f(      ) + g");
        check(r##"f(r#"a"b"#) + g"##, "f(        ) + g");
        check(r#"f(b"x", c"y")"#, "f(    ,     )");
        check("let c = '{'; let d = '\\''; x", "let c =    ; let d =     ; x");
        check("fn f<'a>(x: &'a str)", "fn f<'a>(x: &'a str)");
        check("let e = 'é'; var\"x\"", "let e =     ; var   ");
    }

    #[test]
    fn only_whole_words_are_found() {
        assert_eq!(find_words("cel::a xcel::b cel_c cel", "cel").collect::<Vec<_>>(), [0, 21]);
    }
}
