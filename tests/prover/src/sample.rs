//! Sample customers for the demo. In: how many, and a seed; out: a witness as JSON. The same seed gives the same
//! customers, so their salts are no secret; an institution draws each customer's salt at random and tells it to them.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::{Error, tree::check_count, witness::ID_BYTES};

/// The JSON of a witness.
///
/// # Errors
/// [`Error::Accounts`].
pub fn sample(accounts: usize, seed: &str) -> Result<Zeroizing<String>, Error> {
    check_count(accounts)?;
    let mut json = Zeroizing::new(String::with_capacity(32 + accounts * 128));
    json.push_str("{\"accounts\":[");
    for index in 0..accounts {
        let salt = hash(&[b"salt", seed.as_bytes(), &index.to_be_bytes()]);
        let name = format!("customer {index}");
        let id = hash(&[b"prooftrail-demo/customer/v1", &salt, name.as_bytes()]);
        let id = id.first_chunk::<ID_BYTES>().map(hex::encode).unwrap_or_default();
        // Up to 2⁴⁰: cents, say, so up to eleven billion.
        let [a, b, c, d, e, ..] = hash(&[b"balance", seed.as_bytes(), &index.to_be_bytes()]);
        let balance = u64::from_be_bytes([0, 0, 0, a, b, c, d, e]);
        let comma = if index == 0 { "" } else { "," };
        // Writing to a string does not fail.
        let _ = write!(json, "{comma}\n{{\"id\":\"{id}\",\"balance\":\"{balance}\"}}");
    }
    json.push_str("\n]}\n");
    Ok(json)
}

/// Each part is preceded by its length, so that no two lists of parts hash alike.
fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}
