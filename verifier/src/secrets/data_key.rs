//! A data key: AES-256-GCM with random nonces (NIST SP 800-38D). In: a secret and its place; out: an envelope; and back.
//!
//! Section 8.3 there allows a key 2^32 random nonces of 96 bits: beyond that, two of them would be equal with more than
//! a chance of 2^-32, and equal nonces give the key away. How often a key may be used is therefore counted in the
//! database ([`super::keyring`]) and handed out in shares; a key without a share encrypts nothing.

use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{
    SecretBytes, SecretError,
    envelope::{Envelope, KeyId, MAX_SECRET_BYTES, NONCE_BYTES, Place, TAG_BYTES},
    random,
};

/// The bytes of a key of AES-256.
pub type KeyBytes = Zeroizing<[u8; 32]>;

const _: () = assert!(NONCE_LEN == NONCE_BYTES, "96 bits");

/// A data key and this process's share of its uses.
pub struct DataKey {
    id: KeyId,
    cipher: LessSafeKey,
    share: AtomicU64,
}

impl DataKey {
    /// A key from its bytes, with no share of its uses yet.
    #[must_use]
    pub fn new(bytes: &KeyBytes) -> Self {
        Self { id: key_id(bytes), cipher: cipher(bytes), share: AtomicU64::new(0) }
    }

    /// Its name: a digest of the key, so that no two keys share one.
    #[must_use]
    pub const fn id(&self) -> &KeyId {
        &self.id
    }

    /// How many more secrets this process may encrypt with it.
    pub fn share(&self) -> u64 {
        self.share.load(Ordering::Relaxed)
    }

    /// Adds to the share. Whoever calls this has taken the uses out of the key's count.
    pub(super) fn add_share(&self, uses: u64) {
        self.share.fetch_add(uses, Ordering::Relaxed);
    }

    /// Encrypts.
    ///
    /// # Errors
    /// [`SecretError::TooLong`], [`SecretError::Exhausted`], [`SecretError::Random`].
    pub fn seal(&self, place: &Place<'_>, secret: &[u8]) -> Result<Vec<u8>, SecretError> {
        if secret.len() > MAX_SECRET_BYTES {
            return Err(SecretError::TooLong { what: "a secret", have: secret.len(), max: MAX_SECRET_BYTES });
        }
        place.encode()?;
        let take = |share: u64| share.checked_sub(1);
        self.share.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).map_err(|_| SecretError::Exhausted)?;
        let nonce: [u8; NONCE_BYTES] = random()?;
        // Room for the tag, so that the secret is not left behind in a smaller allocation.
        let mut sealed = Zeroizing::new(Vec::with_capacity(secret.len() + TAG_BYTES));
        sealed.extend_from_slice(secret);
        let aad = Aad::from(place.associated_data(&self.id));
        self.cipher
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut *sealed)
            .map_err(|_| SecretError::Shape)?;
        Envelope { key: self.id, nonce, place: place.clone(), sealed: &sealed }.encode()
    }

    /// Decrypts an envelope that was found at `place` and names this key.
    ///
    /// # Errors
    /// [`SecretError::Moved`], [`SecretError::NotAuthentic`].
    pub fn open(&self, place: &Place<'_>, envelope: &Envelope<'_>) -> Result<SecretBytes, SecretError> {
        envelope.check_place(place)?;
        let mut bytes = Zeroizing::new(envelope.sealed.to_vec());
        let nonce = Nonce::assume_unique_for_key(envelope.nonce);
        let aad = Aad::from(place.associated_data(&self.id));
        let length = self.cipher.open_in_place(nonce, aad, &mut bytes).map_err(|_| SecretError::NotAuthentic)?.len();
        bytes.truncate(length);
        Ok(SecretBytes::new(bytes))
    }
}

/// SHA-256("prooftrail/data-key-id/v1" ‖ key), its first 16 bytes. AES-GCM alone does not commit to a key; this does.
pub(super) fn key_id(bytes: &KeyBytes) -> KeyId {
    let digest = Sha256::new().chain_update("prooftrail/data-key-id/v1").chain_update(&bytes[..]).finalize();
    let mut id = KeyId::default();
    id.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    id
}

#[expect(clippy::expect_used, reason = "a key of AES-256 has 32 bytes, and these are 32")]
pub(super) fn cipher(bytes: &KeyBytes) -> LessSafeKey {
    // AWS-LC wipes its copy when it frees it.
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &bytes[..]).expect("32 bytes"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{DataKey, KeyBytes, MAX_SECRET_BYTES};
    use crate::secrets::{
        SecretError,
        envelope::{Envelope, Part, Place},
    };

    fn key(byte: u8, share: u64) -> DataKey {
        let key = DataKey::new(&KeyBytes::new([byte; 32]));
        key.add_share(share);
        key
    }

    fn place() -> Place<'static> {
        Place { project: "p", table: "t", row: b"r", column: "c", version: 1, context: vec![b"lineage"] }
    }

    #[test]
    fn a_ciphertext_that_was_moved_says_which_part_differs() {
        let key = key(1, 9);
        let sealed = key.seal(&place(), b"secret").unwrap();
        let envelope = Envelope::parse(&sealed).unwrap();
        assert_eq!(key.open(&place(), &envelope).unwrap().expose(), b"secret");
        for (elsewhere, part) in [
            (Place { project: "q", ..place() }, Part::Project),
            (Place { table: "u", ..place() }, Part::Table),
            (Place { row: b"s", ..place() }, Part::Row),
            (Place { column: "d", ..place() }, Part::Column),
            (Place { version: 2, ..place() }, Part::Version),
            (Place { context: vec![b"other"], ..place() }, Part::Context),
            (Place { context: vec![], ..place() }, Part::Context),
            // A boundary that moves between two parts is a difference, too.
            (Place { project: "pt", table: "", ..place() }, Part::Project),
        ] {
            let reason = key.open(&elsewhere, &envelope).err();
            assert_eq!(reason, Some(SecretError::Moved { part }));
            // Whoever moves the row can change the copy of the place as well, but not what was authenticated.
            let forged = Envelope { place: elsewhere.clone(), ..envelope.clone() };
            assert_eq!(key.open(&elsewhere, &forged).err(), Some(SecretError::NotAuthentic));
            assert_eq!(key.open(&place(), &forged).err(), Some(SecretError::Moved { part }));
        }
    }

    #[test]
    fn a_ciphertext_opens_under_its_own_key_only() {
        let sealed = key(1, 1).seal(&place(), b"secret").unwrap();
        let envelope = Envelope::parse(&sealed).unwrap();
        let other = key(2, 1);
        let relabelled = Envelope { key: *other.id(), ..envelope };
        assert_eq!(other.open(&place(), &relabelled).err(), Some(SecretError::NotAuthentic));
    }

    #[test]
    fn a_key_without_a_share_encrypts_nothing() {
        let key = key(1, 2);
        assert!(key.seal(&place(), b"").is_ok());
        let too_long = SecretError::TooLong { what: "a secret", have: MAX_SECRET_BYTES + 1, max: MAX_SECRET_BYTES };
        assert_eq!(key.seal(&place(), &[0; MAX_SECRET_BYTES + 1]), Err(too_long));
        let longest = key.seal(&place(), &[7; MAX_SECRET_BYTES]).unwrap();
        assert_eq!(key.open(&place(), &Envelope::parse(&longest).unwrap()).unwrap().expose(), [7; MAX_SECRET_BYTES]);
        assert_eq!(key.seal(&place(), b""), Err(SecretError::Exhausted));
        assert_eq!(key.share(), 0);
    }

    #[test]
    fn nonces_differ() {
        let key = key(1, 1000);
        let sealed = (0..1000).map(|_| key.seal(&place(), b"").unwrap());
        let nonces: std::collections::HashSet<_> = sealed.map(|sealed| sealed[17..29].to_vec()).collect();
        assert_eq!(nonces.len(), 1000);
    }

    proptest! {
            #[test]
            fn every_flipped_bit_is_noticed(secret in prop::collection::vec(any::<u8>(), 0..40), at: prop::sample::Index, bit in 0..8_u32) {
                let key = key(1, 1);
                let mut sealed = key.seal(&place(), &secret).unwrap();
    let opened = key.open(&place(), &Envelope::parse(&sealed).unwrap()).unwrap();
                prop_assert_eq!(opened.expose(), &secret[..]);
                let at = at.index(sealed.len());
                sealed[at] ^= 1 << bit;
                let opened = Envelope::parse(&sealed).and_then(|envelope| {
                    // The keyring looks the key up by its id.
                    if envelope.key == *key.id() { key.open(&place(), &envelope) } else { Err(SecretError::NotAuthentic) }
                });
                prop_assert!(opened.is_err(), "byte {}", at);
            }

            #[test]
            fn a_place_has_one_encoding(project in ".{0,20}", table in "[a-z_]{0,20}", row: Vec<u8>, version: u64, context in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..9), 0..5)) {
                let context = context.iter().map(Vec::as_slice).collect();
                let place = Place { project: &project, table: &table, row: &row, column: "c", version, context };
                let key = key(3, 1);
                let sealed = key.seal(&place, b"x").unwrap();
                let envelope = Envelope::parse(&sealed).unwrap();
                prop_assert_eq!(&envelope.place, &place);
                prop_assert_eq!(envelope.encode().unwrap(), sealed.clone());
                prop_assert!(key.open(&place, &envelope).is_ok());
            }
        }
}
