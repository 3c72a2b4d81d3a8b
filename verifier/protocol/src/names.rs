//! Names that are hashed and signed: of logs, keys, purposes, suites and releases. In: text or bytes of strangers; out:
//! types that hold only what the formats allow.

use std::{fmt, str::FromStr};

use crate::{
    limits,
    malformed::{Fault, Malformed},
};

/// A log's origin (C2SP checkpoint): a URL without scheme. It also names the service in a context.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Origin(Box<str>);

/// The name of a witness key: lower-case letters, digits, `.`, `_` and `-`, beginning with a letter or digit.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct KeyName(Box<str>);

/// A version of a witness key.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct KeyRef {
    /// The key's name.
    pub name: KeyName,
    /// Its version, from 1.
    pub version: u64,
}

/// The id of a release, and of the session that it opens: 16 random bytes, 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ReleaseId(pub [u8; 16]);

macro_rules! text {
    ($name:ident, $what:literal, $max:expr, $allowed:expr) => {
        impl $name {
            /// The text.
            #[must_use]
            pub const fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = Malformed;

            fn from_str(text: &str) -> Result<Self, Malformed> {
                let allowed: fn(&str) -> bool = $allowed;
                let ok = !text.is_empty() && text.len() <= $max && allowed(text);
                if ok { Ok(Self(text.into())) } else { Err(Malformed::new($what, Fault::Field($what))) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

text!(Origin, "origin", limits::ORIGIN_BYTES, |text| {
    text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'+')
});
text!(KeyName, "key", limits::KEY_NAME_BYTES, |text| {
    text.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit())
        && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-'))
});

impl fmt::Display for KeyRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} version {}", self.name, self.version)
    }
}

impl fmt::Display for ReleaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl FromStr for ReleaseId {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        hex_array(text, "release id").map(Self)
    }
}

/// Bytes in lower-case hexadecimal, of exactly that length.
pub(crate) fn hex_array<const N: usize>(text: &str, what: &'static str) -> Result<[u8; N], Malformed> {
    let mut bytes = [0; N];
    let is_lower = !text.bytes().any(|byte| byte.is_ascii_uppercase());
    match hex::decode_to_slice(text, &mut bytes) {
        Ok(()) if is_lower => Ok(bytes),
        _ => Err(Malformed::new(what, Fault::Hex(N))),
    }
}

macro_rules! spelled {
    ($(#[$doc:meta])* $name:ident, $what:literal { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        #[non_exhaustive]
        pub enum $name { $($(#[$variant_doc])* $variant,)* }

        impl $name {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable spelling. It is hashed into contexts.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }

        impl FromStr for $name {
            type Err = Malformed;

            fn from_str(text: &str) -> Result<Self, Malformed> {
                let found = Self::ALL.iter().copied().find(|value| value.as_str() == text);
                found.ok_or(Malformed::new($what, Fault::Field($what)))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

spelled! {
    /// What a challenge is asked for. Evidence made for one purpose serves no other.
    Purpose, "purpose" {
        /// A witness is to be released.
        Release = "release",
        /// A verdict is wanted, and no witness.
        Appraisal = "appraisal",
        /// A witness is to be released into a session that opens others after it.
        Session = "session",
    }
}

spelled! {
    /// How a file key is sealed to a recipient.
    SealingSuite, "sealing suite" {
        /// HPKE (RFC 9180), base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM.
        HpkeX25519HkdfSha256Aes256Gcm = "hpke-x25519-hkdfsha256-aes256gcm",
    }
}

#[cfg(test)]
mod tests {
    use super::{KeyName, Origin, Purpose, ReleaseId, SealingSuite};

    #[test]
    fn names_hold_only_what_the_formats_allow() {
        for name in ["a", "solvency", "k8s.prod_1-x", &"a".repeat(64)] {
            assert_eq!(name.parse::<KeyName>().unwrap().as_str(), name);
        }
        for name in ["", "A", "-a", ".a", "a b", "a/b", "é", &"a".repeat(65)] {
            assert!(name.parse::<KeyName>().is_err(), "{name}");
        }
        assert!("prooftrail.example/log".parse::<Origin>().is_ok());
        for origin in ["", "a b", "a\n", "a+b", &"a".repeat(256)] {
            assert!(origin.parse::<Origin>().is_err(), "{origin}");
        }
        assert_eq!("000102030405060708090a0b0c0d0e0f".parse::<ReleaseId>().unwrap().0[15], 15);
        for id in ["", "00", "000102030405060708090A0B0C0D0E0F", "000102030405060708090a0b0c0d0e0f00"] {
            assert!(id.parse::<ReleaseId>().is_err(), "{id}");
        }
    }

    #[test]
    fn every_spelling_reads_back() {
        for purpose in Purpose::ALL {
            assert_eq!(purpose.as_str().parse(), Ok(*purpose));
        }
        for suite in SealingSuite::ALL {
            assert_eq!(suite.as_str().parse(), Ok(*suite));
        }
        assert!("Release".parse::<Purpose>().is_err());
    }
}
