//! Binding: the values that hardware is asked to sign, and where in each kind of evidence they stand. In: a context, a
//! statement, the other pieces of evidence; out: what the agent hands to each device, and what the verifier expects to find.
//!
//! Exactly one piece of a set is *primary*: the CPU's, made last, so that its value covers every other piece and the
//! statement. Every other piece carries an *attached* value.

use prooftrail_result::Kind;

use crate::{
    cbor::Writer,
    challenge::Nonce,
    context::Context,
    digest::{sha256, sha384},
    wire::base64url,
};

const ATTACHED_DOMAIN: &str = "prooftrail/attached/v1";
const PRIMARY_DOMAIN: &str = "prooftrail/primary/v1";
const RUNTIME_DATA_DOMAIN: &str = "prooftrail/ita/v1";

/// Where in a kind of evidence the value stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Place {
    /// Fields of their own: nonce, recipient's SPKI in `public_key`, value in `user_data`.
    NitroFields,
    /// 64 bytes of report data: the value and 16 zero bytes.
    ReportData,
    /// The qualifying data of a TPM quote: the value, exactly 48 bytes.
    QualifyingData,
    /// A token: its audience is the log's origin, its one nonce base64url of the value.
    TokenNonce,
    /// Runtime data `["prooftrail/ita/v1", value]`, from which the report data is recomputed.
    RuntimeData,
    /// Nothing that hardware signs; such evidence counts beside other evidence only.
    Beside,
    /// A device's nonce: 32 bytes, the attached value by SHA-256.
    DeviceNonce,
}

/// The table: where the value stands, by kind. A kind that has a row is not thereby verified: `prooftrail appraise --help`
/// lists the kinds of a build.
#[must_use]
pub const fn place(kind: Kind) -> Option<Place> {
    Some(match kind {
        Kind::AwsNitro | Kind::AwsNitroTpm => Place::NitroFields,
        Kind::AmdSevSnp | Kind::IntelTdx | Kind::IntelSgx => Place::ReportData,
        Kind::AzureSnpVtpm | Kind::AzureTdxVtpm => Place::QualifyingData,
        Kind::GcpConfidentialSpace => Place::TokenNonce,
        Kind::IntelTrustAuthority => Place::RuntimeData,
        Kind::AzureMaa => Place::Beside,
        Kind::NvidiaGpu | Kind::NvidiaSwitch | Kind::NvidiaNras => Place::DeviceNonce,
        _ => return None,
    })
}

/// A piece of evidence other than the primary one.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct OtherPiece {
    /// Its kind.
    pub kind: Kind,
    /// SHA-384 of its bytes as sent.
    pub sha384: [u8; 48],
}

impl OtherPiece {
    /// A piece with those bytes.
    #[must_use]
    pub fn of(kind: Kind, evidence: &[u8]) -> Self {
        Self { kind, sha384: sha384(&[evidence]) }
    }
}

/// Which piece of a set carries its binding: the one of the CPU's hardware; without any, the one token that can. `None` where
/// there is no such piece, or more than one.
#[must_use]
pub fn primary_of(kinds: impl IntoIterator<Item = Kind>) -> Option<usize> {
    let can = |kind: Kind| !kind.is_device() && place(kind).is_some_and(|place| place != Place::Beside);
    let (tokens, hardware): (Vec<_>, Vec<_>) =
        kinds.into_iter().enumerate().filter(|(_, kind)| can(*kind)).partition(|(_, kind)| kind.is_token());
    match (hardware.as_slice(), tokens.as_slice()) {
        ([(at, _)], _) | ([], [(at, _)]) => Some(*at),
        _ => None,
    }
}

/// The preimage of an attached value: `["prooftrail/attached/v1", kind, context]`.
fn attached_preimage(kind: Kind, context: &Context) -> Vec<u8> {
    let mut out = Writer::array(3);
    out.text(ATTACHED_DOMAIN).text(kind.as_str()).encoded(&context.encode());
    out.finish()
}

/// The value of a piece that is not primary.
#[must_use]
pub fn attached(kind: Kind, context: &Context) -> [u8; 48] {
    sha384(&[&attached_preimage(kind, context)])
}

/// The same where only 32 bytes fit: SHA-256 instead of SHA-384.
#[must_use]
pub fn attached_32(kind: Kind, context: &Context) -> [u8; 32] {
    sha256(&[&attached_preimage(kind, context)])
}

/// The attached value in the length that a piece of that kind carries; `None` for a kind that no build knows.
#[must_use]
pub fn attached_value(kind: Kind, context: &Context) -> Option<Box<[u8]>> {
    Some(match place(kind)? {
        Place::DeviceNonce => Box::new(attached_32(kind, context)),
        _ => Box::new(attached(kind, context)),
    })
}

/// The value of the primary piece: SHA-384 of `["prooftrail/primary/v1", kind, SHA-384(context), SHA-384(statement),
/// [[kind, SHA-384(evidence)], …]]`, the other pieces sorted by the spelling of their kind and then by digest.
#[must_use]
pub fn primary(
    kind: Kind,
    context_sha384: &[u8; 48],
    statement_sha384: &[u8; 48],
    others: impl IntoIterator<Item = OtherPiece>,
) -> [u8; 48] {
    let mut others: Vec<_> = others.into_iter().collect();
    others.sort_by(|a, b| (a.kind.as_str(), a.sha384).cmp(&(b.kind.as_str(), b.sha384)));
    let mut out = Writer::array(5);
    out.text(PRIMARY_DOMAIN).text(kind.as_str()).bytes(context_sha384).bytes(statement_sha384);
    out.nested_array(others.len());
    for other in others {
        out.nested_array(2).text(other.kind.as_str()).bytes(&other.sha384);
    }
    sha384(&[&out.finish()])
}

/// What an agent hands to a device, in the form that the device takes.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum KindValue {
    /// The three fields of a Nitro document.
    NitroFields {
        /// `nonce`.
        nonce: Nonce,
        /// `public_key`: the recipient's SPKI.
        public_key: [u8; 44],
        /// `user_data`: the value.
        user_data: [u8; 48],
    },
    /// Report data.
    ReportData([u8; 64]),
    /// Qualifying data of a TPM quote.
    QualifyingData([u8; 48]),
    /// What to ask a token service for.
    TokenNonce {
        /// `aud`.
        audience: String,
        /// `eat_nonce`.
        nonce: String,
    },
    /// Runtime data.
    RuntimeData(Vec<u8>),
    /// A device's nonce.
    DeviceNonce([u8; 32]),
}

impl KindValue {
    /// The value of the set's primary piece; `None` for a kind that cannot be primary.
    #[must_use]
    pub fn primary(
        kind: Kind,
        context: &Context,
        statement_sha384: &[u8; 48],
        others: impl IntoIterator<Item = OtherPiece>,
    ) -> Option<Self> {
        if matches!(place(kind)?, Place::DeviceNonce | Place::Beside) {
            return None;
        }
        Self::standing(kind, context, primary(kind, &context.sha384(), statement_sha384, others))
    }

    /// The value of a piece that is not primary; `None` for a kind that no build knows.
    #[must_use]
    pub fn attached(kind: Kind, context: &Context) -> Option<Self> {
        Self::standing(kind, context, attached(kind, context))
    }

    /// A value in the form of its kind.
    fn standing(kind: Kind, context: &Context, value: [u8; 48]) -> Option<Self> {
        Some(match place(kind)? {
            Place::NitroFields => {
                Self::NitroFields { nonce: context.nonce, public_key: context.recipient.spki(), user_data: value }
            }
            Place::ReportData => {
                let mut data = [0; 64];
                data.iter_mut().zip(value).for_each(|(to, from)| *to = from);
                Self::ReportData(data)
            }
            Place::QualifyingData => Self::QualifyingData(value),
            Place::TokenNonce | Place::Beside => {
                Self::TokenNonce { audience: context.log_origin.as_str().to_owned(), nonce: base64url::encode(&value) }
            }
            Place::RuntimeData => {
                let mut out = Writer::array(2);
                out.text(RUNTIME_DATA_DOMAIN).bytes(&value);
                Self::RuntimeData(out.finish())
            }
            Place::DeviceNonce => Self::DeviceNonce(attached_32(kind, context)),
        })
    }
}
