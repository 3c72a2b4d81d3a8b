//! The values of secret columns: what a parser accepts it must write back byte for byte, and no key opens.

use prooftrail::secrets::{
    data_key::{DataKey, KeyBytes},
    envelope::Envelope,
};

/// Envelopes, as they stand in a table that somebody else may have written.
pub(crate) fn envelope(bytes: &[u8]) {
    if let Ok(envelope) = Envelope::parse(bytes) {
        assert_eq!(envelope.encode().as_deref(), Ok(bytes));
        let opened = DataKey::new(&KeyBytes::new([7; 32])).open(&envelope.place, &envelope);
        assert!(opened.is_err(), "a key that nobody used opens nothing");
    }
}
