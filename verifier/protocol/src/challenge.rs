//! Challenges: stateless, so that strangers cannot grow the database. In: chance, a cosigned checkpoint, the recovery
//! epoch and an instant; out: a [`Nonce`] for the hardware to sign, and a [`ChallengeToken`] with which the agent brings the
//! challenge back. A MAC by the fleet's key says that it was ours.
//!
//! Only the nonces of spent challenges are stored, until they expire.

use hmac::{Hmac, KeyInit as _, Mac as _};
use prooftrail_result::{Reason, ReasonCode, Timestamp};
use sha2::Sha256;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::{
    cbor::{Reader, Writer},
    digest::sha256,
    limits,
    malformed::{Fault, Malformed},
    wire::base64url,
};

/// What the first item of the nonce's preimage says.
const NONCE_DOMAIN: &str = "prooftrail/challenge/v1";
/// What stands before the bytes that the MAC covers.
const MAC_DOMAIN: &[u8] = b"prooftrail/challenge-token/v1";
const WHAT: &str = "challenge";
const VERSION: u64 = 1;

/// The value that the hardware signs for one challenge: SHA-256 of `["prooftrail/challenge/v1", random, checkpoint,
/// recovery epoch]`, so that evidence that carries it is younger than the checkpoint's cosignatures.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Nonce(pub [u8; 32]);

impl Nonce {
    /// The nonce of a challenge with that random value, checkpoint and recovery epoch: for whoever recomputes it years later.
    #[must_use]
    pub fn of(random: &[u8; 32], checkpoint: &str, recovery_epoch: u64) -> Self {
        let mut out = Writer::array(4);
        out.text(NONCE_DOMAIN).bytes(random).bytes(checkpoint.as_bytes()).uint(recovery_epoch);
        Self(sha256(&[&out.finish()]))
    }
}

/// A challenge.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Challenge {
    random: [u8; 32],
    checkpoint: Box<str>,
    recovery_epoch: u64,
    issued: Timestamp,
    expires: Timestamp,
}

/// Why a token is refused.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum ChallengeError {
    /// It is no token.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// No key of the fleet made it.
    #[error("the challenge was not made by this service")]
    Forged,
    /// It has ended.
    #[error("the challenge ended at {}", .expired.to_rfc3339_millis())]
    Expired {
        /// When it ended.
        expired: Timestamp,
    },
    /// It was made by a clock that is far ahead, or it is to last too long.
    #[error("the challenge's times are not acceptable")]
    Times,
}

impl From<&ChallengeError> for Reason {
    fn from(error: &ChallengeError) -> Self {
        let code = match error {
            ChallengeError::Malformed(_) => ReasonCode::ChallengeMalformed,
            ChallengeError::Forged => ReasonCode::ChallengeForged,
            ChallengeError::Expired { .. } => ReasonCode::ChallengeExpired,
            ChallengeError::Times => ReasonCode::ChallengeTimes,
        };
        Self::new(code, error.to_string())
    }
}

impl Challenge {
    /// A challenge made at `issued` that ends at `expires`, with 32 bytes of chance.
    ///
    /// # Errors
    /// [`Malformed`] where the checkpoint is larger than its cap, or the challenge is to last no time or more than
    /// [`limits::CHALLENGE_MILLIS`].
    pub fn new(
        random: [u8; 32],
        checkpoint: &str,
        recovery_epoch: u64,
        issued: Timestamp,
        expires: Timestamp,
    ) -> Result<Self, Malformed> {
        let max = limits::CHECKPOINT_BYTES;
        if checkpoint.len() > max {
            return Err(Malformed::new(WHAT, Fault::TooLarge { have: checkpoint.len(), max }));
        }
        let lasts = expires.unix_millis().saturating_sub(issued.unix_millis());
        if issued.unix_millis() < 0 || !(1..=limits::CHALLENGE_MILLIS).contains(&lasts) {
            return Err(Malformed::new(WHAT, Fault::Field("expires")));
        }
        Ok(Self { random, checkpoint: checkpoint.into(), recovery_epoch, issued, expires })
    }

    /// What the hardware is to sign.
    #[must_use]
    pub fn nonce(&self) -> Nonce {
        Nonce::of(&self.random, &self.checkpoint, self.recovery_epoch)
    }

    /// Its 32 bytes of chance.
    #[must_use]
    pub const fn random(&self) -> &[u8; 32] {
        &self.random
    }

    /// The cosigned checkpoint that it commits to: a signed note.
    #[must_use]
    pub const fn checkpoint(&self) -> &str {
        &self.checkpoint
    }

    /// The recovery epoch in which it was made. A recovery voids it.
    #[must_use]
    pub const fn recovery_epoch(&self) -> u64 {
        self.recovery_epoch
    }

    /// When it was made.
    #[must_use]
    pub const fn issued(&self) -> Timestamp {
        self.issued
    }

    /// When it ends: at that instant it is good no more.
    #[must_use]
    pub const fn expires(&self) -> Timestamp {
        self.expires
    }

    /// The array's first six items, of an array of so many.
    fn head(&self, items: usize) -> Writer {
        let millis = |at: Timestamp| u64::try_from(at.unix_millis()).unwrap_or(0);
        let mut out = Writer::array(items);
        out.uint(VERSION).bytes(&self.random).bytes(self.checkpoint.as_bytes()).uint(self.recovery_epoch);
        out.uint(millis(self.issued)).uint(millis(self.expires));
        out
    }

    fn encode(&self, mac: &[u8; 32]) -> Vec<u8> {
        let mut out = self.head(7);
        out.bytes(mac);
        out.finish()
    }

    fn decode(bytes: &[u8]) -> Result<(Self, [u8; 32]), Malformed> {
        let read = |reader: &mut Reader<'_>| {
            reader.array_of(7, "array")?;
            if reader.uint("version")? != VERSION {
                return Err(reader.fault(Fault::Domain("1")));
            }
            let random = reader.exactly("random")?;
            let checkpoint = std::str::from_utf8(reader.bytes("checkpoint")?)
                .map_err(|_| reader.fault(Fault::Field("checkpoint")))?;
            let recovery_epoch = reader.uint("recovery epoch")?;
            let issued = instant(reader, "issued")?;
            let expires = instant(reader, "expires")?;
            let mac = reader.exactly("mac")?;
            Ok((Self::new(random, checkpoint, recovery_epoch, issued, expires)?, mac))
        };
        Reader::strict(WHAT, bytes, limits::CHECKPOINT_BYTES + 192, read, |(challenge, mac)| challenge.encode(mac))
    }
}

/// An instant in milliseconds.
fn instant(reader: &mut Reader<'_>, field: &'static str) -> Result<Timestamp, Malformed> {
    let millis = i64::try_from(reader.uint(field)?).ok().and_then(Timestamp::from_unix_millis);
    millis.ok_or(reader.fault(Fault::Field(field)))
}

/// A challenge with its MAC, as the agent brings it back: base64url of a CBOR array.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ChallengeToken(String);

impl ChallengeToken {
    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A key of the fleet: 32 random bytes that every replica has. It has no `Debug` and is wiped when dropped.
pub struct FleetKey(Zeroizing<[u8; 32]>);

impl FleetKey {
    /// The key with those bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(Zeroizing::new(*bytes))
    }

    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    fn mac(&self, challenge: &Challenge) -> Hmac<Sha256> {
        let mac = Hmac::<Sha256>::new_from_slice(self.0.as_slice()).expect("HMAC takes a key of any length");
        mac.chain_update(MAC_DOMAIN).chain_update(challenge.head(6).finish())
    }
}

/// The keys of the fleet: the first makes tokens, all of them verify, so that a key can be replaced while tokens of the old
/// one are about.
pub struct FleetKeys {
    makes: FleetKey,
    others: Vec<FleetKey>,
}

impl FleetKeys {
    /// The key that makes tokens, and the others that verify them.
    #[must_use]
    pub const fn new(makes: FleetKey, others: Vec<FleetKey>) -> Self {
        Self { makes, others }
    }

    /// The token of a challenge.
    #[must_use]
    pub fn token(&self, challenge: &Challenge) -> ChallengeToken {
        let mac: [u8; 32] = self.makes.mac(challenge).finalize().into_bytes().into();
        ChallengeToken(base64url::encode(&challenge.encode(&mac)))
    }

    /// The challenge of a token that one of these keys made and that has not ended at `at`. Whether it was spent, and whether
    /// a recovery voided it, the store knows.
    ///
    /// # Errors
    /// [`ChallengeError`].
    pub fn challenge(&self, token: &str, at: Timestamp) -> Result<Challenge, ChallengeError> {
        let (challenge, mac) = Challenge::decode(&base64url::decode(token, WHAT, limits::TOKEN_BYTES)?)?;
        let ours =
            std::iter::once(&self.makes).chain(&self.others).any(|key| key.mac(&challenge).verify_slice(&mac).is_ok());
        if !ours {
            return Err(ChallengeError::Forged);
        }
        if at >= challenge.expires {
            return Err(ChallengeError::Expired { expired: challenge.expires });
        }
        if challenge.issued.unix_millis().saturating_sub(at.unix_millis()) > limits::CHALLENGE_SKEW_MILLIS {
            return Err(ChallengeError::Times);
        }
        Ok(challenge)
    }
}

/// Reads a token's challenge without asking who made it: for parsers' tests.
///
/// # Errors
/// [`Malformed`].
#[doc(hidden)]
pub fn read_token(token: &str) -> Result<Challenge, Malformed> {
    Challenge::decode(&base64url::decode(token, WHAT, limits::TOKEN_BYTES)?).map(|(challenge, _)| challenge)
}
