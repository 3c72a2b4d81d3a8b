//! Field elements as snarkjs writes them: JSON strings of ASCII decimals. In: a value of a document; out: the element, or
//! why it is none. One element has one spelling: no sign, no leading zero, below the modulus. A reader that reduces
//! instead would take x and x + p for the same input, and so would every record made of it.

use ark_ff::{BigInteger as _, Field, Fp, Fp2, Fp2Config, FpConfig, PrimeField};

use crate::{Place, ProofError, json::Value};

/// Why a text is not the canonical decimal of a field element.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidDecimal {
    /// It has no characters.
    #[error("the number is empty")]
    Empty,
    /// A character is not an ASCII digit: a sign, a space, a hexadecimal digit.
    #[error("the number has a character that is not an ASCII digit")]
    NotADigit,
    /// A number other than `0` begins with a zero.
    #[error("the number begins with a zero")]
    LeadingZero,
    /// The number is not below the modulus of its field.
    #[error("the number is not below the field's modulus")]
    NotReduced,
}

impl InvalidDecimal {
    /// The stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Empty => "proof.decimal_empty",
            Self::NotADigit => "proof.decimal_not_a_digit",
            Self::LeadingZero => "proof.decimal_leading_zero",
            Self::NotReduced => "proof.decimal_not_reduced",
        }
    }
}

/// The modulus of the larger base field (BLS12-381) has 115 digits; a longer text is never converted.
const MAX_DIGITS: usize = 115;

fn element<F: PrimeField>(text: &str) -> Result<F, InvalidDecimal> {
    if text.is_empty() {
        return Err(InvalidDecimal::Empty);
    }
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(InvalidDecimal::NotADigit);
    }
    if text.len() > 1 && text.starts_with('0') {
        return Err(InvalidDecimal::LeadingZero);
    }
    if text.len() > MAX_DIGITS {
        return Err(InvalidDecimal::NotReduced);
    }
    // `from_bigint` answers `None` at and above the modulus; `Fp::from_str` would reduce.
    text.parse::<F::BigInt>().ok().and_then(F::from_bigint).ok_or(InvalidDecimal::NotReduced)
}

/// An element of a prime field or of its quadratic extension.
pub(crate) trait Element: Field {
    /// Reads a decimal string, or the list of the two of an extension element: [real part, imaginary part].
    fn read(value: &Value, place: Place) -> Result<Self, ProofError>;

    /// Appends the canonical bytes: big endian, of the modulus' length; for an extension the imaginary part first, as
    /// EIP-197 and the encoding of BLS12-381 points have it.
    fn write(&self, out: &mut Vec<u8>);
}

impl<P: FpConfig<N>, const N: usize> Element for Fp<P, N> {
    fn read(value: &Value, place: Place) -> Result<Self, ProofError> {
        let Value::Text(text) = value else { return Err(ProofError::Shape { place, need: "a decimal string" }) };
        element(text).map_err(|fault| ProofError::Decimal { place, fault })
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.into_bigint().to_bytes_be());
    }
}

impl<P: Fp2Config<Fp: Element>> Element for Fp2<P> {
    fn read(value: &Value, place: Place) -> Result<Self, ProofError> {
        match value {
            Value::List(parts) => match parts.as_slice() {
                [real, imaginary] => Ok(Self::new(P::Fp::read(real, place)?, P::Fp::read(imaginary, place)?)),
                _ => Err(ProofError::Shape { place, need: "a pair of decimal strings" }),
            },
            _ => Err(ProofError::Shape { place, need: "a pair of decimal strings" }),
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.c1.write(out);
        self.c0.write(out);
    }
}

#[cfg(test)]
mod tests {
    use ark_bn254::{Fq, Fr};
    use ark_ff::{PrimeField, Zero as _};

    use super::{InvalidDecimal, MAX_DIGITS, element};

    #[test]
    fn an_element_has_one_spelling() {
        for (text, expected) in [
            ("0", Ok(Fr::zero())),
            ("7", Ok(Fr::from(7u64))),
            ("", Err(InvalidDecimal::Empty)),
            ("01", Err(InvalidDecimal::LeadingZero)),
            ("00", Err(InvalidDecimal::LeadingZero)),
            ("+1", Err(InvalidDecimal::NotADigit)),
            ("-1", Err(InvalidDecimal::NotADigit)),
            (" 1", Err(InvalidDecimal::NotADigit)),
            ("1 ", Err(InvalidDecimal::NotADigit)),
            ("1_0", Err(InvalidDecimal::NotADigit)),
            ("1e3", Err(InvalidDecimal::NotADigit)),
            ("0x1f", Err(InvalidDecimal::NotADigit)),
            ("ff", Err(InvalidDecimal::NotADigit)),
            ("١", Err(InvalidDecimal::NotADigit)), // ARABIC-INDIC DIGIT ONE
        ] {
            assert_eq!(element(text), expected, "{text}");
        }
    }

    #[test]
    fn the_modulus_is_the_first_number_refused() {
        assert_eq!(element::<Fr>(&Fr::MODULUS.to_string()), Err(InvalidDecimal::NotReduced));
        let largest = element::<Fr>(&(-Fr::from(1u64)).to_string());
        assert_eq!(largest, Ok(-Fr::from(1u64)));
        // Below the base field's modulus and above the scalar field's: which field it is for matters.
        assert!(element::<Fq>(&Fr::MODULUS.to_string()).is_ok());
        assert_eq!(element::<Fr>(&"9".repeat(MAX_DIGITS)), Err(InvalidDecimal::NotReduced));
        assert_eq!(element::<Fr>(&"9".repeat(MAX_DIGITS + 1)), Err(InvalidDecimal::NotReduced));
        assert_eq!(ark_bls12_381::Fq::MODULUS.to_string().len(), MAX_DIGITS);
    }
}
