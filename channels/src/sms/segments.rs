//! How many segments a text message takes: what carriers count and charge for.
//!
//! Sources: 3GPP TS 23.038 6.2.1 (the default alphabet and its extension table), TS 23.040 9.2.3.24
//! (the header of a part takes 6 octets of 140). A character of the extension table takes two
//! septets, one outside the basic plane two units of UTF-16; neither is cut by the end of a part.

use std::fmt;

/// Septets of a message that is alone, and of each part of a longer one.
const SEPTETS: (usize, usize) = (160, 153);
/// Units of UTF-16 of a message that is alone, and of each part of a longer one.
const UNITS: (usize, usize) = (70, 67);

/// The default alphabet, without the escape to the extension table.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?\
                     ¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// The extension table.
const EXTENDED: &str = "\u{c}^{}\\[~]|€";

/// How the characters of a message are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Seven bits each, by the default alphabet.
    Gsm7,
    /// Sixteen bits each.
    Ucs2,
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gsm7 => "GSM-7",
            Self::Ucs2 => "UCS-2",
        })
    }
}

/// What a text takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segments {
    /// How it is sent.
    pub encoding: Encoding,
    /// In how many parts; 0 for an empty text.
    pub count: usize,
}

impl fmt::Display for Segments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let many = if self.count == 1 { "" } else { "s" };
        write!(f, "{} segment{many} of {}", self.count, self.encoding)
    }
}

impl Segments {
    /// What a text takes: seven bits if all its characters have them, else sixteen for all.
    pub fn of(text: &str) -> Self {
        let septets: Option<Vec<usize>> = text.chars().map(septets).collect();
        match septets {
            Some(widths) => Self { encoding: Encoding::Gsm7, count: parts(&widths, SEPTETS) },
            None => {
                let widths: Vec<usize> = text.chars().map(char::len_utf16).collect();
                Self { encoding: Encoding::Ucs2, count: parts(&widths, UNITS) }
            }
        }
    }
}

fn septets(char: char) -> Option<usize> {
    if BASIC.contains(char) {
        Some(1)
    } else if EXTENDED.contains(char) {
        Some(2)
    } else {
        None
    }
}

/// In how many parts these widths fit, none cut.
fn parts(widths: &[usize], (alone, each): (usize, usize)) -> usize {
    if widths.iter().sum::<usize>() <= alone {
        return usize::from(!widths.is_empty());
    }
    let (mut count, mut used) = (1, 0);
    for width in widths {
        if used + width > each {
            (count, used) = (count + 1, 0);
        }
        used += width;
    }
    count
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, encoding: Encoding, count: usize) {
        assert_eq!(Segments::of(text), Segments { encoding, count }, "{text:?}");
    }

    #[test]
    fn the_alphabet_has_all_its_places() {
        // 128 places less the escape; the extension table has nine characters and a page break.
        assert_eq!(BASIC.chars().count(), 127);
        assert_eq!(EXTENDED.chars().count(), 10);
        assert!(EXTENDED.chars().all(|char| !BASIC.contains(char)));
    }

    #[test]
    fn lengths_at_the_edges() {
        use Encoding::{Gsm7, Ucs2};
        check("", Gsm7, 0);
        check("a", Gsm7, 1);
        check(&"a".repeat(160), Gsm7, 1);
        check(&"a".repeat(161), Gsm7, 2);
        check(&"a".repeat(306), Gsm7, 2);
        check(&"a".repeat(307), Gsm7, 3);
        check(&"ñ".repeat(160), Gsm7, 1);
        check(&"€".repeat(80), Gsm7, 1);
        check(&"€".repeat(81), Gsm7, 2);
        // 76 characters of two septets fill 152 of 153: the 77th begins the next part.
        check(&"€".repeat(152), Gsm7, 2);
        check(&"€".repeat(153), Gsm7, 3);
        check(&format!("{}€{}", "a".repeat(152), "a".repeat(152)), Gsm7, 3);
        check("á", Ucs2, 1);
        check(&"я".repeat(70), Ucs2, 1);
        check(&"я".repeat(71), Ucs2, 2);
        check(&"я".repeat(134), Ucs2, 2);
        check(&"я".repeat(135), Ucs2, 3);
        check(&"😀".repeat(35), Ucs2, 1);
        check(&"😀".repeat(36), Ucs2, 2);
        // 33 pairs fill 66 of 67 units.
        check(&"😀".repeat(66), Ucs2, 2);
        check(&"😀".repeat(67), Ucs2, 3);
        check(&format!("{}😀", "a".repeat(159)), Ucs2, 3);
    }

    proptest! {
        #[test]
        fn a_longer_text_never_takes_less(text in ".{0,400}", more in ".{0,20}") {
            let longer = format!("{text}{more}");
            prop_assert!(Segments::of(&longer).count >= Segments::of(&text).count);
        }

        #[test]
        fn parts_hold_what_they_must(text in "[a-z€\\[\\]áя😀 ]{0,500}") {
            let found = Segments::of(&text);
            let total: usize = match found.encoding {
                Encoding::Gsm7 => text.chars().filter_map(septets).sum(),
                Encoding::Ucs2 => text.encode_utf16().count(),
            };
            let (alone, each) = if found.encoding == Encoding::Gsm7 { SEPTETS } else { UNITS };
            let room = if found.count <= 1 { alone } else { found.count * each };
            prop_assert!(total <= room);
            // At most one place of each part stays empty.
            prop_assert!(found.count <= 1 || total > (found.count - 1) * (each - 1));
        }
    }
}
