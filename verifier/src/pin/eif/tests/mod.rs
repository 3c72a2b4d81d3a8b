//! Images that are in order, then one mutation per rule, then what hostile files try.

mod hostile;
mod image;
mod rules;
mod signed;
mod vectors;
mod written;

use prooftrail_evidence::AwsLc;

use super::{EifError, Measurements, measure};

/// Measures an image in memory.
fn measure_bytes(image: &[u8]) -> Result<Measurements, EifError> {
    let length = u64::try_from(image.len()).unwrap();
    measure(image, length, &AwsLc, &mut |_, _| {})
}
