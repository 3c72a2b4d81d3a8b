//! How the protocol's own types stand in JSON: as the text or the bytes that they are.

use prooftrail_result::{Kind, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::base64url;
use crate::{
    challenge::{ChallengeToken, Nonce},
    names::{KeyName, KeyRef, Origin, Purpose, ReleaseId, SealingSuite, hex_array},
    proof_key::ProofPublic,
    release_key::ReleasePublic,
    sealing::{RecipientPublic, Sealed},
    signature::Signature,
};

/// Types that have a text of their own.
macro_rules! as_text {
    ($($name:ident),*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
            }
        }
    )*};
}
as_text!(Origin, KeyName, Purpose, SealingSuite, ReleaseId);

/// Types that are bytes.
macro_rules! as_bytes {
    ($($name:ident: $bytes:expr, $read:expr;)*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let bytes: fn(&Self) -> Vec<u8> = $bytes;
                serializer.serialize_str(&base64url::encode(&bytes(self)))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                let bytes = base64url::decode(&text, stringify!($name), 256).map_err(D::Error::custom)?;
                let read: fn(&[u8]) -> Option<Self> = $read;
                read(&bytes).ok_or_else(|| D::Error::custom(concat!("not a ", stringify!($name))))
            }
        }
    )*};
}
as_bytes! {
    Sealed: |sealed| sealed.0.to_vec(), |bytes| bytes.try_into().ok().map(Sealed);
    Signature: |signature| signature.0.to_vec(), |bytes| bytes.try_into().ok().map(Signature);
    RecipientPublic: |key| key.spki().to_vec(), |bytes| RecipientPublic::from_spki(bytes).ok();
    ProofPublic: |key| key.as_bytes().to_vec(), |bytes| ProofPublic::from_bytes(bytes.try_into().ok()?).ok();
    ReleasePublic: |key| key.as_bytes().to_vec(), |bytes| ReleasePublic::from_bytes(bytes.try_into().ok()?).ok();
}

impl Serialize for Nonce {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(self.0))
    }
}

impl<'de> Deserialize<'de> for Nonce {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        hex_array(&String::deserialize(deserializer)?, "nonce").map(Self).map_err(D::Error::custom)
    }
}

impl Serialize for ChallengeToken {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// `{"name": …, "version": …}`.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct KeyRefForm {
    name: KeyName,
    version: u64,
}

impl Serialize for KeyRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        KeyRefForm { name: self.name.clone(), version: self.version }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for KeyRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let KeyRefForm { name, version } = KeyRefForm::deserialize(deserializer)?;
        if version == 0 { Err(D::Error::custom("versions begin at 1")) } else { Ok(Self { name, version }) }
    }
}

/// An evidence kind.
pub(super) mod kind {
    use super::{Deserialize, Deserializer, Kind, Serialize, Serializer};
    use serde::de::Error as _;

    pub(in crate::wire) fn serialize<S: Serializer>(kind: &Kind, serializer: S) -> Result<S::Ok, S::Error> {
        kind.serialize(serializer)
    }

    pub(in crate::wire) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Kind, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// An instant, with milliseconds.
pub(super) mod instant {
    use super::{Deserialize, Deserializer, Serializer, Timestamp};
    use serde::de::Error as _;

    pub(in crate::wire) fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&at.to_rfc3339_millis())
    }

    pub(in crate::wire) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}
