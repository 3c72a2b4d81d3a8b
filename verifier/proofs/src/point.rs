//! Curve points as snarkjs writes them: `[x, y, z]` in projective coordinates that it has normalised to z = 1. In: a
//! value of a document; out: a point on the curve, in the subgroup, not at infinity — or why it is none. Every point of
//! a proof and of a verifying key passes here.

use ark_ec::{
    AffineRepr,
    short_weierstrass::{Affine, SWCurveConfig},
};
use ark_ff::{One as _, Zero as _};

use crate::{Place, ProofError, decimal::Element, json::Value};

/// Why three coordinates are not a permitted point.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPoint {
    /// The point at infinity, z = 0. No honest setup or prover writes it (each point is blinded), and as A or B it would
    /// erase the other from the equation, as a point of `IC` it would leave an input unbound.
    #[error("the point is at infinity")]
    Infinity,
    /// z is neither 0 nor 1. Such coordinates name the same point in many ways.
    #[error("the coordinates are not normalised to z = 1")]
    NotNormalised,
    /// The coordinates do not satisfy the curve's equation.
    #[error("the point is not on the curve")]
    OffCurve,
    /// The point is on the curve and its order is not the group's.
    #[error("the point is on the curve but not in the subgroup")]
    OutsideSubgroup,
}

impl InvalidPoint {
    /// The stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Infinity => "proof.point_infinity",
            Self::NotNormalised => "proof.point_not_normalised",
            Self::OffCurve => "proof.point_off_curve",
            Self::OutsideSubgroup => "proof.point_outside_subgroup",
        }
    }
}

/// A group of one of the curves.
pub(crate) trait Point: AffineRepr {
    /// Reads and checks `[x, y, z]`.
    fn read(value: &Value, place: Place) -> Result<Self, ProofError>;

    /// The canonical bytes: x, then y, without flags. A `Point` read here is never at infinity, so it has both.
    fn to_bytes(&self) -> Vec<u8>;
}

impl<P: SWCurveConfig<BaseField: Element>> Point for Affine<P> {
    fn read(value: &Value, place: Place) -> Result<Self, ProofError> {
        let shape = || ProofError::Shape { place, need: "a list of three coordinates" };
        let Value::List(coordinates) = value else { return Err(shape()) };
        let [x, y, z] = coordinates.as_slice() else { return Err(shape()) };
        let [x, y, z] = [P::BaseField::read(x, place)?, P::BaseField::read(y, place)?, P::BaseField::read(z, place)?];
        checked(x, y, z).map_err(|fault| ProofError::Point { place, fault })
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.x.write(&mut bytes);
        self.y.write(&mut bytes);
        bytes
    }
}

fn checked<P: SWCurveConfig>(x: P::BaseField, y: P::BaseField, z: P::BaseField) -> Result<Affine<P>, InvalidPoint> {
    if z.is_zero() {
        return Err(InvalidPoint::Infinity);
    }
    if !z.is_one() {
        return Err(InvalidPoint::NotNormalised);
    }
    let point = Affine::new_unchecked(x, y);
    // (0, 0) is how arkworks may spell infinity, which it counts as on the curve. On these curves (b ≠ 0) it is not.
    if point.is_zero() || !point.is_on_curve() {
        return Err(InvalidPoint::OffCurve);
    }
    if !point.is_in_correct_subgroup_assuming_on_curve() {
        return Err(InvalidPoint::OutsideSubgroup);
    }
    Ok(point)
}
