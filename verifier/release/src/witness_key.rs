//! Witness keys: age identities (C2SP age, X25519), and the one thing they do: turn a witness's header into that file's key.
//!
//! In: a header of a stranger's file. Out: a [`FileKey`], once the `age` library has unwrapped a stanza and checked the
//! header's MAC under it. The library sees the header through [`Capture`], which keeps the file key that it would otherwise
//! use and forget.

use std::{cell::RefCell, str::FromStr};

use age::{DecryptError, Decryptor, secrecy::ExposeSecret as _};
use age_core::format::{FileKey as LibraryFileKey, Stanza};
use bech32::{ToBase32 as _, Variant};
use prooftrail_protocol::{FileKey, limits};
use prooftrail_result::{Reason, ReasonCode};
use thiserror::Error;
use zeroize::Zeroizing;

/// What every header begins with.
const VERSION_LINE: &[u8] = b"age-encryption.org/v1\n";
/// The nonce of the payload follows the header; here there is none, and the library reads one.
const NONCE_BYTES: usize = 16;

/// The most stanzas of a header; each costs a scalar multiplication.
pub const MAX_STANZAS: usize = 64;
/// The most lines of a header; the library reads a header again from its beginning with each line.
pub const MAX_HEADER_LINES: usize = 512;

/// A witness key: an age identity. It has no `Debug`, and the library wipes it when it is dropped.
pub struct WitnessKey(age::x25519::Identity);

/// Text that is no X25519 identity.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("not an X25519 identity of age: AGE-SECRET-KEY-1…")]
pub struct InvalidWitnessKey;

/// Why a header gives no file key.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum HeaderError {
    /// It is no age header of exactly that length, or beyond the caps.
    #[error("not an age header of exactly that length, or beyond the caps")]
    Malformed,
    /// It was sealed with a passphrase.
    #[error("the witness is sealed with a passphrase")]
    Passphrase,
    /// No stanza opens with this key.
    #[error("no stanza of the header opens with this version of the key")]
    Foreign,
    /// Its MAC does not hold.
    #[error("the header's MAC does not hold")]
    Mac,
}

impl From<HeaderError> for Reason {
    fn from(error: HeaderError) -> Self {
        Self::from(match error {
            HeaderError::Malformed => ReasonCode::ReleaseHeaderMalformed,
            HeaderError::Passphrase => ReasonCode::ReleaseHeaderPassphrase,
            HeaderError::Foreign => ReasonCode::ReleaseHeaderForeign,
            HeaderError::Mac => ReasonCode::ReleaseHeaderMac,
        })
    }
}

impl WitnessKey {
    /// A new key from 32 bytes of chance. The caller wipes its own copy.
    ///
    /// # Errors
    /// [`InvalidWitnessKey`], which the library has for no 32 bytes.
    pub fn from_seed(seed: &[u8; 32]) -> Result<Self, InvalidWitnessKey> {
        let words = Zeroizing::new(seed.to_base32().into_iter().map(bech32::u5::to_u8).collect::<Vec<_>>());
        let words = words.iter().map(|word| bech32::u5::try_from_u8(*word)).collect::<Result<Vec<_>, _>>();
        let text = bech32::encode("age-secret-key-", words.map_err(|_| InvalidWitnessKey)?, Variant::Bech32);
        Zeroizing::new(text.map_err(|_| InvalidWitnessKey)?.to_uppercase()).parse()
    }

    /// Its public half, `age1…`, which anyone may have and seal to.
    #[must_use]
    pub fn recipient(&self) -> String {
        self.0.to_public().to_string()
    }

    /// The identity itself, `AGE-SECRET-KEY-1…`: to be stored encrypted, and for nothing else.
    #[must_use]
    pub fn expose(&self) -> Zeroizing<String> {
        Zeroizing::new(self.0.to_string().expose_secret().to_owned())
    }

    /// The file key of the witness with that header.
    ///
    /// # Errors
    /// [`HeaderError`].
    pub fn unwrap(&self, header: &[u8]) -> Result<FileKey, HeaderError> {
        if header.len() > limits::WITNESS_HEADER_BYTES || !header.starts_with(VERSION_LINE) {
            return Err(HeaderError::Malformed);
        }
        let lines = || header.split(|byte| *byte == b'\n');
        if lines().count() > MAX_HEADER_LINES || lines().filter(|line| line.starts_with(b"->")).count() > MAX_STANZAS {
            return Err(HeaderError::Malformed);
        }
        let input = [header, &[0; NONCE_BYTES]].concat();
        let mut rest = input.as_slice();
        let capture = Capture { identity: &self.0, file_key: RefCell::new(None) };
        {
            let decryptor = Decryptor::new_buffered(&mut rest).map_err(|_| HeaderError::Malformed)?;
            if decryptor.is_scrypt() {
                return Err(HeaderError::Passphrase);
            }
            let identity: &dyn age::Identity = &capture;
            decryptor.decrypt(std::iter::once(identity)).map_err(|error| match error {
                DecryptError::NoMatchingKeys => HeaderError::Foreign,
                DecryptError::InvalidMac => HeaderError::Mac,
                _ => HeaderError::Malformed,
            })?;
        }
        // The header ended where the library's nonce began, if and only if nothing is left of the nonce we appended.
        if !rest.is_empty() {
            return Err(HeaderError::Malformed);
        }
        capture.file_key.into_inner().ok_or(HeaderError::Foreign)
    }
}

impl FromStr for WitnessKey {
    type Err = InvalidWitnessKey;

    fn from_str(text: &str) -> Result<Self, InvalidWitnessKey> {
        text.parse().map(Self).map_err(|_| InvalidWitnessKey)
    }
}

/// An identity that keeps the file key that it unwraps.
struct Capture<'a> {
    identity: &'a age::x25519::Identity,
    file_key: RefCell<Option<FileKey>>,
}

impl age::Identity for Capture<'_> {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<LibraryFileKey, DecryptError>> {
        self.identity.unwrap_stanza(stanza)
    }

    /// Looks at every stanza: a header in which two open under one key has two file keys, or a copied stanza, and no
    /// program makes it.
    fn unwrap_stanzas(&self, stanzas: &[Stanza]) -> Option<Result<LibraryFileKey, DecryptError>> {
        let mut opened = stanzas.iter().filter_map(|stanza| self.identity.unwrap_stanza(stanza));
        let first = opened.next()?;
        if opened.next().is_some() {
            return Some(Err(DecryptError::InvalidHeader));
        }
        if let Ok(file_key) = &first {
            *self.file_key.borrow_mut() = Some(FileKey::from_bytes(file_key.expose_secret()));
        }
        Some(first)
    }
}
