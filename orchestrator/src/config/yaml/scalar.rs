//! What a plain scalar means: the core schema of YAML 1.2, in which `yes`, `on` and `10:00` are
//! text.

use super::Content;

/// The value of an unquoted scalar.
pub(crate) fn resolve(text: &str) -> Content {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Content::Null,
        "true" | "True" | "TRUE" => return Content::Bool(true),
        "false" | "False" | "FALSE" => return Content::Bool(false),
        ".inf" | ".Inf" | ".INF" | "+.inf" => return Content::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Content::Float(f64::NEG_INFINITY),
        ".nan" | ".NaN" | ".NAN" => return Content::Float(f64::NAN),
        _ => {}
    }
    if let Some(int) = whole(text) {
        return Content::Int(int);
    }
    match is_float(text).then(|| text.parse::<f64>()) {
        Some(Ok(float)) => Content::Float(float),
        _ => Content::Text(text.to_owned()),
    }
}

fn whole(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok();
    }
    let (digits, radix) = match (text.strip_prefix("0o"), text.strip_prefix("0x")) {
        (Some(digits), _) => (digits, 8),
        (_, Some(digits)) => (digits, 16),
        _ => return None,
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    i64::from_str_radix(digits, radix).ok()
}

/// `[-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`
fn is_float(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let mantissa_fits = match mantissa.split_once('.') {
        Some(("", fraction)) => !fraction.is_empty() && digits(fraction),
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => !mantissa.is_empty() && digits(mantissa),
    };
    let exponent_fits = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    mantissa_fits && exponent_fits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_words_follow_the_core_schema() {
        for (text, meaning) in [
            ("", Content::Null),
            ("~", Content::Null),
            ("true", Content::Bool(true)),
            ("12", Content::Int(12)),
            ("-7", Content::Int(-7)),
            ("0o17", Content::Int(15)),
            ("0xff", Content::Int(255)),
            ("2.50", Content::Float(2.5)),
            ("1e3", Content::Float(1000.0)),
            (".5", Content::Float(0.5)),
            ("99999999999999999999", Content::Float(1e20)),
        ] {
            assert_eq!(resolve(text), meaning, "{text}");
        }
        for text in ["yes", "on", "10:00", "P7D", "0x", "0x-1", "1.2.3", ".", "e3", "infinity"] {
            assert_eq!(resolve(text), Content::Text(text.to_owned()), "{text}");
        }
    }
}
