//! Exact numbers, and how they print. No floating point: a figure must be the same everywhere.

use serde::{Deserialize, Serialize};

/// How a figure prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rounding {
    /// One decimal, half away from zero: `15.7`.
    OneDecimal,
    /// Whole numbers, towards zero, as the published page has them: `15`.
    Truncate,
}

/// A quotient of two whole numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ratio {
    /// What is divided.
    pub numerator: i64,
    /// By what; 0 where nothing was counted.
    pub denominator: i64,
}

impl Ratio {
    /// The quotient in digits; `None` where nothing was counted.
    #[must_use]
    pub fn text(self, rounding: Rounding) -> Option<String> {
        if self.denominator == 0 {
            return None;
        }
        // Wider than the parts, so that nothing overflows.
        let numerator = i128::from(self.numerator).abs();
        let denominator = i128::from(self.denominator).abs();
        let text = match rounding {
            Rounding::OneDecimal => {
                let tenths = (20 * numerator + denominator) / (2 * denominator);
                format!("{}.{}", tenths / 10, tenths % 10)
            }
            Rounding::Truncate => format!("{}", numerator / denominator),
        };
        let negative = (self.numerator < 0) != (self.denominator < 0);
        let zero = text.bytes().all(|byte| matches!(byte, b'0' | b'.'));
        Some(if negative && !zero {
            format!("-{text}")
        } else {
            text
        })
    }
}

/// n of N: every percentage prints both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// How many.
    pub count: u64,
    /// Out of how many.
    pub of: u64,
}

impl Share {
    /// The share in percent.
    #[must_use]
    pub fn percent(self) -> Ratio {
        let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        Ratio {
            numerator: whole(self.count).saturating_mul(100),
            denominator: whole(self.of),
        }
    }
}

/// Goal: the published numbers print as published. Method: they and the awkward cases by hand.
#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn published_shares_print_both_ways() {
        for (count, of, decimal, whole) in [
            (112, 713, "15.7", "15"),
            (486, 713, "68.2", "68"),
            (1, 3, "33.3", "33"),
        ] {
            let percent = Share { count, of }.percent();
            assert_eq!(percent.text(Rounding::OneDecimal).unwrap(), decimal);
            assert_eq!(percent.text(Rounding::Truncate).unwrap(), whole);
        }
        assert_eq!(Share::default().percent().text(Rounding::OneDecimal), None);
    }

    #[test]
    fn halves_go_away_from_zero_and_zero_has_no_sign() {
        let text = |numerator, denominator| {
            Ratio {
                numerator,
                denominator,
            }
            .text(Rounding::OneDecimal)
            .unwrap()
        };
        assert_eq!(text(5, 100), "0.1");
        assert_eq!(text(-5, 100), "-0.1");
        assert_eq!(text(-4, 100), "0.0");
        assert_eq!(text(-1999, 100), "-20.0");
        assert_eq!(text(i64::MIN, 1), format!("{}.0", i64::MIN));
    }
}
