//! The ledger's records and bundles: what is read has one spelling, which is the one that was read.

use prooftrail_provenance::{Bundle, DecisionRecord, ProofEntry, RevocationRecord, TrustFile};

/// Records.
pub(crate) fn record(bytes: &[u8]) {
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

/// Bundles and trust files. JSON has many spellings for one bundle; what is written reads back.
pub(crate) fn bundle(bytes: &[u8]) {
    if let Ok(bundle) = Bundle::parse(bytes)
        && let Ok(file) = bundle.to_file()
    {
        assert_eq!(Bundle::parse(&file), Ok(bundle));
    }
    if let Ok(text) = str::from_utf8(bytes) {
        let _ = TrustFile::parse(text);
    }
}
