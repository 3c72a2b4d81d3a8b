//! Verifier keys ("vkeys"): the keys that a relying party knows. In: `name+key id+base64(type ‖ public key)`; out: a key
//! that verifies signatures of one type, or the reason. C2SP signed-note, sections "Signature types" and "Verifier
//! keys"; C2SP tlog-cosignature for types 0x04 and 0x06.

use std::fmt;

use ed25519_dalek::VerifyingKey;
use sha2::{Digest, Sha256};

use crate::{
    base64_text,
    note::{InvalidKeyName, KeyId, KeyName},
};

/// What a key signs and how, with the byte that stands for it in verifier keys and key ids.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum SignatureType {
    /// 0x01: Ed25519 over the note's text.
    Ed25519,
    /// 0x04: a time and Ed25519 over `cosignature/v1`, the time and the note's text.
    Ed25519Cosignature,
    /// 0x06: a time and ML-DSA-44 over cosigner, time, origin, size and root.
    MlDsa44Cosignature,
}

impl SignatureType {
    /// Its byte.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Ed25519 => 0x01,
            Self::Ed25519Cosignature => 0x04,
            Self::MlDsa44Cosignature => 0x06,
        }
    }

    fn from_code(code: u8) -> Option<Self> {
        let known = [Self::Ed25519, Self::Ed25519Cosignature, Self::MlDsa44Cosignature];
        known.into_iter().find(|signature_type| signature_type.code() == code)
    }
}

/// A public key with its name, bound to one signature type.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VerifierKey {
    name: KeyName,
    id: KeyId,
    pub(super) key: PublicKey,
}

/// A key that this build verifies with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum PublicKey {
    Ed25519(VerifyingKey),
    Ed25519Cosignature(VerifyingKey),
    /// Kept as it is encoded: expanded, it is ten times as large.
    #[cfg(feature = "ml-dsa")]
    MlDsa44Cosignature(Box<[u8; ML_DSA_44_KEY_BYTES]>),
}

#[cfg(feature = "ml-dsa")]
pub(super) const ML_DSA_44_KEY_BYTES: usize = 1312;

impl VerifierKey {
    /// Reads a verifier key.
    ///
    /// # Errors
    /// [`VerifierKeyError`].
    pub fn parse(vkey: &str) -> Result<Self, VerifierKeyError> {
        if vkey.len() > Self::MAX_BYTES {
            return Err(VerifierKeyError::TooLong { have: vkey.len(), max: Self::MAX_BYTES });
        }
        // Base64 has plus signs too; only the first two are separators.
        let mut fields = vkey.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (fields.next(), fields.next(), fields.next()) else {
            return Err(VerifierKeyError::Fields);
        };
        let name = KeyName::new(name)?;
        let have = parse_id(id)?;
        let key = base64_text::decode(key).ok_or(VerifierKeyError::Base64)?;
        let (&code, public_key) = key.split_first().ok_or(VerifierKeyError::Base64)?;
        let key = PublicKey::decode(code, public_key)?;
        let need = key_id(&name, code, public_key);
        if have != need {
            return Err(VerifierKeyError::IdMismatch { have, need });
        }
        Ok(Self { name, id: need, key })
    }

    /// The key `public_key` (32 bytes, RFC 8032) of `name`, for signatures of the type Ed25519.
    ///
    /// # Errors
    /// [`VerifierKeyError::InvalidKey`] if the bytes are not a point of the curve, or one of small order.
    pub fn ed25519(name: KeyName, public_key: &[u8; 32]) -> Result<Self, VerifierKeyError> {
        Self::new(name, SignatureType::Ed25519, public_key)
    }

    /// The key `public_key` (32 bytes, RFC 8032) of `name`, for cosignatures.
    ///
    /// # Errors
    /// [`VerifierKeyError::InvalidKey`] if the bytes are not a point of the curve, or one of small order.
    pub fn ed25519_cosignature(name: KeyName, public_key: &[u8; 32]) -> Result<Self, VerifierKeyError> {
        Self::new(name, SignatureType::Ed25519Cosignature, public_key)
    }

    fn new(name: KeyName, signature_type: SignatureType, public_key: &[u8]) -> Result<Self, VerifierKeyError> {
        let code = signature_type.code();
        let key = PublicKey::decode(code, public_key)?;
        Ok(Self { id: key_id(&name, code, public_key), name, key })
    }

    /// Whose key it is.
    #[must_use]
    pub const fn name(&self) -> &KeyName {
        &self.name
    }

    /// Its id, which signature lines carry.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// What it signs, and how.
    #[must_use]
    pub const fn signature_type(&self) -> SignatureType {
        match self.key {
            PublicKey::Ed25519(_) => SignatureType::Ed25519,
            PublicKey::Ed25519Cosignature(_) => SignatureType::Ed25519Cosignature,
            #[cfg(feature = "ml-dsa")]
            PublicKey::MlDsa44Cosignature(_) => SignatureType::MlDsa44Cosignature,
        }
    }

    /// The public key as verifier keys encode it, without the type: two keys with equal bytes are one key, whatever
    /// their names and ids.
    #[must_use]
    pub fn public_key(&self) -> &[u8] {
        match &self.key {
            PublicKey::Ed25519(key) | PublicKey::Ed25519Cosignature(key) => key.as_bytes(),
            #[cfg(feature = "ml-dsa")]
            PublicKey::MlDsa44Cosignature(key) => key.as_slice(),
        }
    }

    /// The longest verifier key that is read, in bytes; an ML-DSA-44 key takes 1752 besides its name.
    const MAX_BYTES: usize = 8192;
}

/// The verifier key. Inverse of [`VerifierKey::parse`].
impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[self.signature_type().code()], self.public_key()].concat();
        write!(f, "{}+{}+{}", self.name, self.id, base64_text::encode(&key))
    }
}

impl PublicKey {
    fn decode(code: u8, bytes: &[u8]) -> Result<Self, VerifierKeyError> {
        match SignatureType::from_code(code) {
            Some(SignatureType::Ed25519) => ed25519_key(bytes).map(Self::Ed25519),
            Some(SignatureType::Ed25519Cosignature) => ed25519_key(bytes).map(Self::Ed25519Cosignature),
            #[cfg(feature = "ml-dsa")]
            Some(SignatureType::MlDsa44Cosignature) => match bytes.try_into() {
                Ok(key) => Ok(Self::MlDsa44Cosignature(Box::new(key))),
                Err(_) => Err(VerifierKeyError::KeyLength { have: bytes.len(), need: ML_DSA_44_KEY_BYTES }),
            },
            _ => Err(VerifierKeyError::UnsupportedType { code }),
        }
    }
}

fn ed25519_key(bytes: &[u8]) -> Result<VerifyingKey, VerifierKeyError> {
    let bytes = bytes.try_into().map_err(|_| VerifierKeyError::KeyLength { have: bytes.len(), need: 32 })?;
    match VerifyingKey::from_bytes(bytes) {
        // Anyone can sign for a key of small order.
        Ok(key) if !key.is_weak() => Ok(key),
        _ => Err(VerifierKeyError::InvalidKey),
    }
}

/// SHA-256(name ‖ newline ‖ type ‖ public key), the first four bytes.
fn key_id(name: &KeyName, code: u8, public_key: &[u8]) -> KeyId {
    let digest =
        Sha256::new().chain_update(name.as_str()).chain_update([b'\n', code]).chain_update(public_key).finalize();
    let [a, b, c, d, ..] = <[u8; 32]>::from(digest);
    KeyId([a, b, c, d])
}

fn parse_id(id: &str) -> Result<KeyId, VerifierKeyError> {
    if id.len() != 8 || !id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return Err(VerifierKeyError::Id);
    }
    match u32::from_str_radix(id, 16) {
        Ok(id) => Ok(KeyId(id.to_be_bytes())),
        Err(_) => Err(VerifierKeyError::Id),
    }
}

/// Why a text is not a verifier key of a type known here.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifierKeyError {
    /// Longer than any key known here.
    #[error("the verifier key has {have} bytes; at most {max} are accepted")]
    TooLong {
        /// Its length in bytes.
        have: usize,
        /// The cap in bytes.
        max: usize,
    },
    /// Not `name+id+key`.
    #[error("a verifier key is a name, an id and a key, separated by plus signs")]
    Fields,
    /// The name is none.
    #[error(transparent)]
    Name(#[from] InvalidKeyName),
    /// The id is not eight lower-case hexadecimal digits.
    #[error("the key id is not eight lower-case hexadecimal digits")]
    Id,
    /// The key is empty or not canonical base64.
    #[error("the key is empty or not canonical base64")]
    Base64,
    /// A signature type that this build does not verify.
    #[error("signature type 0x{code:02x} is not supported by this build")]
    UnsupportedType {
        /// The type's byte.
        code: u8,
    },
    /// The key has not the length of its type.
    #[error("the key has {have} bytes instead of {need}")]
    KeyLength {
        /// Its length in bytes.
        have: usize,
        /// The length of such keys in bytes.
        need: usize,
    },
    /// The bytes are not a point of the curve, or one of small order.
    #[error("the key is not a point of the curve, or of small order")]
    InvalidKey,
    /// The id is not that of the name and key.
    #[error("the key id is {have}, but that of name and key is {need}")]
    IdMismatch {
        /// The id in the text.
        have: KeyId,
        /// The id computed.
        need: KeyId,
    },
}

#[cfg(test)]
mod tests {
    use super::{SignatureType, VerifierKey, VerifierKeyError};
    use crate::note::{InvalidKeyName, KeyId, KeyName};

    /// The example key of the Go checksum database's note format.
    const VKEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";

    #[test]
    fn keys_come_back_as_they_were() {
        let key = VerifierKey::parse(VKEY).unwrap();
        assert_eq!(key.to_string(), VKEY);
        assert_eq!(key.name().as_str(), "PeterNeumann");
        assert_eq!(key.id(), KeyId([0xc7, 0x4f, 0x20, 0xa3]));
        assert_eq!(key.signature_type(), SignatureType::Ed25519);
        let bytes = key.public_key().try_into().unwrap();
        assert_eq!(VerifierKey::ed25519(key.name().clone(), bytes), Ok(key.clone()));
        // The same bytes are another key under another type.
        let cosigner = VerifierKey::ed25519_cosignature(key.name().clone(), bytes).unwrap();
        assert_ne!(cosigner.id(), key.id());
        assert_eq!(VerifierKey::parse(&cosigner.to_string()), Ok(cosigner));
    }

    #[test]
    fn each_defect_has_its_reason() {
        let id = KeyId([0xc7, 0x4f, 0x20, 0xa3]);
        for (from, to, reason) in [
            ("+ARpc", "", VerifierKeyError::Fields),
            ("PeterNeumann+", "", VerifierKeyError::Fields),
            ("PeterNeumann", "", VerifierKeyError::Name(InvalidKeyName::Empty)),
            ("+c74f20a3", "+c74f20a", VerifierKeyError::Id),
            ("+c74f20a3", "+c74f20ag", VerifierKeyError::Id),
            ("+c74f20a3", "++74f20a3", VerifierKeyError::Id),
            ("+c74f20a3", "+C74F20A3", VerifierKeyError::Id),
            (
                "+c74f20a3",
                "+c74f20a4",
                VerifierKeyError::IdMismatch { have: KeyId([0xc7, 0x4f, 0x20, 0xa4]), need: id },
            ),
            ("ARpc2QcU", "AR-c2QcU", VerifierKeyError::Base64),
            ("+ARpc", "+AhpcARpc", VerifierKeyError::UnsupportedType { code: 2 }),
            ("ARpc", "ARpcARpc", VerifierKeyError::KeyLength { have: 35, need: 32 }),
        ] {
            let vkey = match to {
                "" if from == "+ARpc" => VKEY.split_once(from).unwrap().0.to_owned(),
                _ => VKEY.replacen(from, to, 1),
            };
            assert_eq!(VerifierKey::parse(&vkey), Err(reason), "{vkey}");
        }
        let long = "x".repeat(8193);
        assert_eq!(VerifierKey::parse(&long), Err(VerifierKeyError::TooLong { have: 8193, max: 8192 }));
    }

    #[test]
    fn keys_of_small_order_are_refused() {
        let name = KeyName::new("example.com").unwrap();
        let mut identity = [0; 32];
        identity[0] = 1;
        for bytes in [identity, [0; 32]] {
            assert_eq!(VerifierKey::ed25519(name.clone(), &bytes), Err(VerifierKeyError::InvalidKey));
        }
        assert_eq!(VerifierKey::ed25519_cosignature(name, &[2; 32]), Err(VerifierKeyError::InvalidKey));
    }
}
