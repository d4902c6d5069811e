//! Exact decimal numbers for sums of money: no binary fraction ever stands in between.

/// Most digits of a number that is read. Products of two such numbers fit 128 bits.
const DIGITS_MAX: usize = 18;

/// `digits` times ten to the power of minus `scale`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Decimal {
    digits: i128,
    scale: u32,
}

impl Decimal {
    /// From text like `-12`, `2.95`, `+0.001`; `None` for anything else, exponents included.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (negative, unsigned) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let all = whole.bytes().chain(fraction.bytes());
        if whole.len() + fraction.len() == 0 || whole.len() + fraction.len() > DIGITS_MAX {
            return None;
        }
        let mut digits: i128 = 0;
        for byte in all {
            if !byte.is_ascii_digit() {
                return None;
            }
            digits = digits * 10 + i128::from(byte - b'0');
        }
        let digits = if negative { -digits } else { digits };
        Some(Self { digits, scale: fraction.len() as u32 })
    }

    pub(super) fn one() -> Self {
        Self { digits: 1, scale: 0 }
    }

    /// The product; `None` if it does not fit.
    pub(super) fn times(self, other: Self) -> Option<Self> {
        let digits = self.digits.checked_mul(other.digits)?;
        Some(Self { digits, scale: self.scale + other.scale })
    }

    /// The sum; `None` if it does not fit.
    pub(super) fn plus(self, other: Self) -> Option<Self> {
        let scale = self.scale.max(other.scale);
        let digits = self.at_scale(scale)?.checked_add(other.at_scale(scale)?)?;
        Some(Self { digits, scale })
    }

    /// Smaller, equal or greater; `None` if the numbers are too far apart to compare.
    pub(super) fn compare(self, other: Self) -> Option<std::cmp::Ordering> {
        let scale = self.scale.max(other.scale);
        Some(self.at_scale(scale)?.cmp(&other.at_scale(scale)?))
    }

    /// With so many decimals, rounded half away from zero.
    pub(super) fn round(self, decimals: u32) -> Option<Self> {
        if decimals >= self.scale {
            return Some(Self { digits: self.at_scale(decimals)?, scale: decimals });
        }
        let unit = 10_i128.checked_pow(self.scale - decimals)?;
        let rounded = (self.digits.abs() + unit / 2) / unit;
        Some(Self { digits: rounded * self.digits.signum(), scale: decimals })
    }

    /// The nearest binary number, by way of the decimal text.
    pub(super) fn to_f64(self) -> f64 {
        self.to_string().parse().expect("a decimal text is a number")
    }

    fn at_scale(self, scale: u32) -> Option<i128> {
        self.digits.checked_mul(10_i128.checked_pow(scale.checked_sub(self.scale)?)?)
    }
}

impl std::fmt::Display for Decimal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.digits < 0 { "-" } else { "" };
        let digits =
            format!("{:0>width$}", self.digits.unsigned_abs(), width = self.scale as usize + 1);
        let (whole, fraction) = digits.split_at(digits.len() - self.scale as usize);
        match fraction {
            "" => write!(f, "{sign}{whole}"),
            _ => write!(f, "{sign}{whole}.{fraction}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Decimal;

    fn read(text: &str) -> Decimal {
        Decimal::parse(text).expect(text)
    }

    #[test]
    fn text_round_trips() {
        for text in ["0", "-12", "2.95", "0.001", "-0.50", "123456789012345678"] {
            assert_eq!(read(text).to_string(), text);
        }
        for text in ["", "-", ".", "1e3", "1,5", "NaN", "٣", "1234567890123456789"] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }

    #[test]
    fn halves_round_away_from_zero() {
        for (text, decimals, want) in
            [("2.345", 2, "2.35"), ("-2.345", 2, "-2.35"), ("2.344", 2, "2.34"), ("7", 2, "7.00")]
        {
            assert_eq!(read(text).round(decimals).expect(text).to_string(), want);
        }
    }

    #[test]
    fn sums_are_exact() {
        let tenth = read("0.1");
        let sum = (0..10).try_fold(Decimal::default(), |sum, _| sum.plus(tenth));
        assert_eq!(
            sum.and_then(|sum| sum.compare(Decimal::one())),
            Some(std::cmp::Ordering::Equal)
        );
        let product = read("-12").times(read("2.95")).expect("small");
        assert_eq!(product.to_string(), "-35.40");
        assert_eq!(read("1906322.46").to_f64(), 1_906_322.46);
    }
}
