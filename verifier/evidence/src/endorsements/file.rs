//! A file of endorsements that is read once, however many appraisals it goes with: reference values of NVIDIA's take longer to
//! read than a report to verify.
//!
//! In: bytes. Out: [`EndorsementFile`], whose copies share the bytes and what they were read as. That is no trust in them: what
//! is read says the same to every appraisal, and each verifies it.

use std::{
    fmt,
    ops::Deref,
    sync::{Arc, OnceLock},
};

use prooftrail_result::Reason;

use super::Endorsements;
use crate::crypto::Crypto;

/// A file of endorsements. As a slice it is its bytes; so it is compared.
#[derive(Clone)]
pub struct EndorsementFile(Arc<Contents>);

struct Contents {
    bytes: Arc<[u8]>,
    read: OnceLock<Result<Arc<Endorsements>, Reason>>,
}

impl EndorsementFile {
    /// Its bytes, for somebody who keeps them.
    #[must_use]
    pub fn shared(&self) -> Arc<[u8]> {
        self.0.bytes.clone()
    }

    /// What it holds. It is read when it is first asked for, with the cryptography of whoever asks; all providers find the same.
    ///
    /// # Errors
    /// See [`Endorsements::read`].
    pub fn endorsements(&self, crypto: &dyn Crypto) -> Result<Arc<Endorsements>, Reason> {
        self.0.read.get_or_init(|| Endorsements::read_file(crypto, &self.0.bytes).map(Arc::new)).clone()
    }
}

impl Deref for EndorsementFile {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0.bytes
    }
}

impl<B: Into<Arc<[u8]>>> From<B> for EndorsementFile {
    fn from(bytes: B) -> Self {
        Self(Arc::new(Contents { bytes: bytes.into(), read: OnceLock::new() }))
    }
}

impl PartialEq for EndorsementFile {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.bytes == other.0.bytes
    }
}

impl Eq for EndorsementFile {}

impl fmt::Debug for EndorsementFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EndorsementFile({} bytes)", self.0.bytes.len())
    }
}

#[cfg(all(test, feature = "aws-lc"))]
mod tests {
    use std::sync::Arc;

    use prooftrail_result::ReasonCode;

    use super::EndorsementFile;
    use crate::{AwsLc, Endorsements, MAX_ENDORSEMENTS};

    const CHAIN: &[u8] = include_bytes!("../../../../tests/vectors/nvgpu/gpu/h100_545.00.chain.pem");
    const RIM: &[u8] = include_bytes!("../../../../tests/vectors/nvgpu/rim/driver_545.00.swidtag");

    #[test]
    fn what_was_read_once_is_not_read_again() {
        let files = [CHAIN, RIM].map(EndorsementFile::from);
        let read = [0, 1].map(|_| Endorsements::of(&AwsLc, files.clone().iter()).unwrap());
        assert!(Arc::ptr_eq(&read[0].rims()[0], &read[1].rims()[0]));
        assert!(Arc::ptr_eq(&read[0].certificates()[0], &read[1].certificates()[0]));
        assert_eq!(files[1].shared()[..], *RIM);
    }

    #[test]
    fn what_comes_twice_counts_once_however_it_was_read() {
        let files = [CHAIN, RIM, RIM, CHAIN];
        let apart = Endorsements::read(&AwsLc, files).unwrap();
        let known = Endorsements::of(&AwsLc, &files.map(EndorsementFile::from)).unwrap();
        for read in [apart, known] {
            assert_eq!((read.rims().len(), read.certificates().len()), (1, 5));
            assert_eq!(read.chains().map(<[_]>::len).collect::<Vec<_>>(), [5, 5]);
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_is_refused_each_time() {
        let file = EndorsementFile::from(b"neither".as_slice());
        for _ in 0..2 {
            let reason = Endorsements::of(&AwsLc, [&file]).unwrap_err();
            assert_eq!(reason.code, ReasonCode::EndorsementUnrecognised);
        }
    }

    #[test]
    fn files_together_have_no_more_than_any_set_needs() {
        let rim = |number: usize| EndorsementFile::from(rim_named(number));
        let mut files: Vec<_> = (0..MAX_ENDORSEMENTS).map(rim).collect();
        assert_eq!(Endorsements::of(&AwsLc, &files).unwrap().rims().len(), MAX_ENDORSEMENTS);
        files.push(rim(MAX_ENDORSEMENTS));
        assert_eq!(Endorsements::of(&AwsLc, &files).unwrap_err().code, ReasonCode::EndorsementTooLarge);
    }

    /// A RIM that differs from others in its bytes, and is nobody's.
    fn rim_named(number: usize) -> Vec<u8> {
        let text = String::from_utf8_lossy(RIM);
        text.replacen("tagVersion=\"", &format!("tagVersion=\"{number}"), 1).into_bytes()
    }
}
