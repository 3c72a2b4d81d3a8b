//! Sealing: HPKE (RFC 9180), base mode, X25519, HKDF-SHA256, AES-256-GCM. In: a file key, a recipient, the context and the
//! terms; out: [`Sealed`], 64 bytes that only the recipient's private half opens, and only under that context and those terms.
//!
//! `info` is `"prooftrail/release/v1" ‖ SHA-384(context)`; the additional data are the encoded terms.

use hpke::{
    Deserializable as _, Kem as _, OpModeR, OpModeS, Serializable as _, aead::AesGcm256, kdf::HkdfSha256,
    kem::X25519HkdfSha256, rand_core::CryptoRng, single_shot_open, single_shot_seal_with_rng,
};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::{
    file_key::FileKey,
    malformed::{Fault, Malformed},
};

type Kem = X25519HkdfSha256;

const INFO: &[u8] = b"prooftrail/release/v1";

/// An X25519 key as SubjectPublicKeyInfo (RFC 8410): these bytes, then the key's 32.
const SPKI_PREFIX: [u8; 12] = [0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x6E, 0x03, 0x21, 0x00];

/// The recipient's private half, made in TEE memory. It has no `Debug` and is wiped when dropped.
pub struct RecipientKey {
    private: <Kem as hpke::Kem>::PrivateKey,
    public: RecipientPublic,
}

/// The recipient's public half: an X25519 key.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct RecipientPublic([u8; 32]);

/// A sealed file key: the encapsulated key (32 bytes), the ciphertext (16) and its tag (16).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Sealed(pub [u8; 64]);

/// Why nothing was sealed or opened.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum SealingError {
    /// The recipient's key is of small order: whoever knows that could open what is sealed to it.
    #[error("the recipient's key is of small order")]
    WeakRecipient,
    /// It was not sealed to this recipient, under this context and these terms.
    #[error("the sealed key does not open")]
    DoesNotOpen,
}

impl RecipientKey {
    /// A new key. `chance` must be a cryptographic generator that the operating system seeds.
    #[must_use]
    pub fn generate(chance: &mut impl CryptoRng) -> Self {
        let (private, public) = Kem::gen_keypair_with_rng(chance);
        Self { private, public: RecipientPublic(public.to_bytes().into()) }
    }

    /// The public half.
    #[must_use]
    pub const fn public(&self) -> RecipientPublic {
        self.public
    }

    /// Opens a sealed key. Only [`crate::CheckedRelease`] calls this, which knows that the service signed it.
    pub(crate) fn open(
        &self,
        sealed: &Sealed,
        context_sha384: &[u8; 48],
        terms: &[u8],
    ) -> Result<FileKey, SealingError> {
        let (encapsulated, ciphertext) = sealed.0.split_at(32);
        let opened = <Kem as hpke::Kem>::EncappedKey::from_bytes(encapsulated).and_then(|encapsulated| {
            let mode = OpModeR::Base;
            let info = info(context_sha384);
            single_shot_open::<AesGcm256, HkdfSha256, Kem>(
                &mode,
                &self.private,
                &encapsulated,
                &info,
                ciphertext,
                terms,
            )
        });
        let opened = Zeroizing::new(opened.map_err(|_| SealingError::DoesNotOpen)?);
        opened.as_slice().try_into().map(FileKey::from_bytes).map_err(|_| SealingError::DoesNotOpen)
    }
}

impl RecipientPublic {
    /// The key in a SubjectPublicKeyInfo.
    ///
    /// # Errors
    /// [`Malformed`] where the bytes are no X25519 key in exactly that form, or one of the few whose shared secret is
    /// always zero.
    pub fn from_spki(spki: &[u8]) -> Result<Self, Malformed> {
        let key = spki.strip_prefix(&SPKI_PREFIX).and_then(|key| <[u8; 32]>::try_from(key).ok());
        let key = key.filter(|key| !is_small_order(key));
        key.map(Self).ok_or(Malformed::new("recipient", Fault::Field("recipient")))
    }

    /// The key as SubjectPublicKeyInfo.
    #[must_use]
    pub fn spki(&self) -> [u8; 44] {
        let mut spki = [0; 44];
        spki.iter_mut().zip(SPKI_PREFIX.iter().chain(&self.0)).for_each(|(to, from)| *to = *from);
        spki
    }
}

/// The keys with which every shared secret is zero (RFC 7748, section 6.1): the u-coordinates of all points whose order divides
/// the cofactor, on the curve and on its twist, in each of their encodings; in words, the least significant first.
const SMALL_ORDER: [[u64; 4]; 7] = [
    [0, 0, 0, 0],
    [1, 0, 0, 0],
    // Of order 8.
    [0xAEB8_413B_7C7A_EBE0, 0x6AC4_9FF1_FAE3_5616, 0xFDB1_329C_EB8D_09DA, 0x00B8_495F_1605_6286],
    [0x248C_50A3_BC95_9C5F, 0x5BEF_839C_55B1_D0B1, 0x868E_1C58_C45C_4404, 0x5711_9FD0_DD4E_22D8],
    // p - 1, and 0 and 1 spelt as p and p + 1.
    [0xFFFF_FFFF_FFFF_FFEC, u64::MAX, u64::MAX, BELOW_THE_TOP_BIT],
    [0xFFFF_FFFF_FFFF_FFED, u64::MAX, u64::MAX, BELOW_THE_TOP_BIT],
    [0xFFFF_FFFF_FFFF_FFEE, u64::MAX, u64::MAX, BELOW_THE_TOP_BIT],
];

/// X25519 takes no notice of a key's top bit (RFC 7748, section 5).
const BELOW_THE_TOP_BIT: u64 = u64::MAX >> 1;

fn is_small_order(key: &[u8; 32]) -> bool {
    let mut words = [0; 4];
    words.iter_mut().zip(key.as_chunks().0).for_each(|(word, bytes)| *word = u64::from_le_bytes(*bytes));
    words[3] &= BELOW_THE_TOP_BIT;
    SMALL_ORDER.contains(&words)
}

/// Seals a file key to a recipient.
///
/// # Errors
/// [`SealingError::WeakRecipient`], which [`RecipientPublic::from_spki`] refuses before.
pub fn seal(
    file_key: &FileKey,
    recipient: &RecipientPublic,
    context_sha384: &[u8; 48],
    terms: &[u8],
    chance: &mut impl CryptoRng,
) -> Result<Sealed, SealingError> {
    let weak = |_| SealingError::WeakRecipient;
    let recipient = <Kem as hpke::Kem>::PublicKey::from_bytes(&recipient.0).map_err(weak)?;
    let (encapsulated, ciphertext) = single_shot_seal_with_rng::<AesGcm256, HkdfSha256, Kem>(
        &OpModeS::Base,
        &recipient,
        &info(context_sha384),
        file_key.expose(),
        terms,
        chance,
    )
    .map_err(weak)?;
    let mut sealed = [0; 64];
    sealed.iter_mut().zip(encapsulated.to_bytes().iter().chain(&ciphertext)).for_each(|(to, from)| *to = *from);
    Ok(Sealed(sealed))
}

/// `"prooftrail/release/v1" ‖ SHA-384(context)`.
fn info(context_sha384: &[u8; 48]) -> Vec<u8> {
    [INFO, context_sha384].concat()
}

#[cfg(test)]
mod tests {
    use super::{FileKey, RecipientPublic, SMALL_ORDER, SealingError, is_small_order, seal};

    /// Any scalar: all of them clear the cofactor.
    struct Fixed;

    impl hpke::rand_core::TryRng for Fixed {
        type Error = std::convert::Infallible;

        fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
            Ok(1)
        }

        fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
            Ok(1)
        }

        fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
            bytes.fill(1);
            Ok(())
        }
    }

    impl hpke::rand_core::TryCryptoRng for Fixed {}

    /// Whether sealing itself finds out.
    fn has_no_secret(key: &[u8; 32]) -> bool {
        let sealed = seal(&FileKey::from_bytes(&[7; 16]), &RecipientPublic(*key), &[0; 48], b"", &mut Fixed);
        sealed == Err(SealingError::WeakRecipient)
    }

    #[test]
    fn the_table_says_what_a_multiplication_says() {
        let mut weak = 0;
        for words in SMALL_ORDER {
            let bytes = words.map(u64::to_le_bytes);
            let key: [u8; 32] = bytes.as_flattened().try_into().unwrap();
            assert!(is_small_order(&key) && has_no_secret(&key), "{key:02x?}");
            // Every key that differs in one bit: those that are weak too are others of the table, and those with the top bit.
            for bit in 0..256 {
                let mut near = key;
                near[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(is_small_order(&near), has_no_secret(&near), "{near:02x?}");
                weak += usize::from(is_small_order(&near));
            }
        }
        assert_eq!(weak, 7 + 2 + 2 + 2, "the top bit; 0 and 1; p - 1 and p; p - 1 and p + 1");
    }
}
