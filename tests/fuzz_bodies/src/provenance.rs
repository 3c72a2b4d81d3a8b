//! The ledger's entries and records: what is read has one spelling, which is the one that was read.

use prooftrail_provenance::{DecisionRecord, Entry, ProofEntry, RevocationRecord};

/// Entries and records.
pub(crate) fn record(bytes: &[u8]) {
    if let Ok(entry) = Entry::decode(bytes) {
        assert_eq!(entry.encode(), bytes);
    }
    if let Ok(record) = DecisionRecord::decode(bytes) {
        assert_eq!(record.encode(), bytes);
    }
    if let Ok(record) = ProofEntry::decode(bytes) {
        assert_eq!(record.encode(), bytes);
    }
    if let Ok(record) = RevocationRecord::decode(bytes) {
        assert_eq!(record.encode(), bytes);
    }
}
