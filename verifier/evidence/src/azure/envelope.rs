//! How Azure evidence is sent: the paravisor's report as it is, or JSON with the report, the TPM quote, and what belongs to the
//! hardware.
//!
//! In: bytes. Out: [`Envelope`], every part decoded, none understood. The JSON is that of Confidential Containers' Trustee, in
//! both of its generations: bytes are arrays of numbers, or text (hex in the quote, base64url elsewhere). A TPM quote may also
//! stand in a file of its own, which is an endorsement.
//!
//! ```text
//! { "version": 1, "hcl_report": …, "tpm_quote": { "message": …, "signature": …, "pcrs": […] }, "vcek": …, "td_quote": … }
//! { "report": …, "quote": { … }, "vcek": "-----BEGIN CERTIFICATE-----…" }
//! ```

use std::{fmt, marker::PhantomData};

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use prooftrail_result::{Reason, ReasonCode};
use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, SeqAccess, Visitor},
};

use super::{hcl_report::HclReport, quote::SentQuote};
use crate::{
    endorsements::PEM_BEGIN,
    json::{self, JsonError},
};

/// Evidence beyond this is refused unread: arrays of numbers take four characters a byte.
pub(super) const MAX_EVIDENCE_BYTES: usize = 256 * 1024;

/// base64url (RFC 4648, section 5), with padding or without.
const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The parts of evidence.
#[derive(Debug)]
pub(super) struct Envelope {
    pub(super) hcl_report: Vec<u8>,
    /// The TPM quote; where the report came alone it stands among the endorsements.
    pub(super) quote: Option<SentQuote>,
    /// The certificate of the chip's key, in DER or PEM, perhaps with others.
    pub(super) vcek: Option<Vec<u8>>,
    /// The quote of the trust domain that the paravisor is.
    pub(super) td_quote: Option<Vec<u8>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Evidence {
    version: Option<u8>,
    #[serde(alias = "report")]
    hcl_report: Encoded<Base64Url>,
    #[serde(alias = "quote")]
    tpm_quote: QuoteText,
    vcek: Option<String>,
    td_quote: Option<Encoded<Base64Url>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct QuoteText {
    message: Encoded<Hex>,
    signature: Encoded<Hex>,
    pcrs: Vec<Encoded<Hex>>,
}

/// The keys by which a quote's file is told apart from others.
#[derive(Deserialize)]
struct QuoteKeys {
    message: Option<IgnoredAny>,
    pcrs: Option<IgnoredAny>,
}

impl Envelope {
    /// Takes evidence apart.
    pub(super) fn open(bytes: &[u8]) -> Result<Self, Reason> {
        if HclReport::is_one(bytes) {
            return Ok(Self { hcl_report: bytes.to_vec(), quote: None, vcek: None, td_quote: None });
        }
        let evidence: Evidence = read(bytes).map_err(|why| malformed(&why))?;
        if !matches!(evidence.version, None | Some(1 | 2)) {
            return Err(malformed("it is of no version that is known here"));
        }
        let vcek = evidence.vcek.map(|text| {
            if text.trim_ascii_start().as_bytes().starts_with(PEM_BEGIN) {
                return Ok(text.into_bytes());
            }
            Base64Url::decode(&text).ok_or_else(|| malformed("vcek is neither PEM nor base64url"))
        });
        Ok(Self {
            hcl_report: evidence.hcl_report.bytes,
            quote: Some(evidence.tpm_quote.try_into()?),
            vcek: vcek.transpose()?,
            td_quote: evidence.td_quote.map(|quote| quote.bytes),
        })
    }
}

/// Whether a file is JSON with the keys of a TPM quote.
pub(crate) fn is_quote(file: &[u8]) -> bool {
    serde_json::from_slice(file).is_ok_and(|keys: QuoteKeys| keys.message.is_some() && keys.pcrs.is_some())
}

/// Reads a TPM quote that stands in a file of its own.
pub(crate) fn read_quote(file: &[u8]) -> Result<SentQuote, Reason> {
    let quote: QuoteText = read(file)
        .map_err(|why| Reason::new(ReasonCode::TpmQuoteMalformed, format!("the TPM quote cannot be read: {why}")))?;
    quote.try_into()
}

impl TryFrom<QuoteText> for SentQuote {
    type Error = Reason;

    fn try_from(text: QuoteText) -> Result<Self, Reason> {
        let QuoteText { message, signature, pcrs } = text;
        let pcrs = pcrs.into_iter().map(|pcr| {
            <[u8; 32]>::try_from(pcr.bytes)
                .map_err(|_| Reason::new(ReasonCode::TpmQuoteMalformed, "a register's value is not 32 bytes"))
        });
        Ok(Self { message: message.bytes, signature: signature.bytes, pcrs: pcrs.collect::<Result<_, _>>()? })
    }
}

fn read<'a, T: Deserialize<'a>>(text: &'a [u8]) -> Result<T, String> {
    json::read(text).map_err(|error| match error {
        JsonError::DuplicateKey(why) | JsonError::Malformed(why) | JsonError::Shape(why) => why,
    })
}

fn malformed(why: &str) -> Reason {
    Reason::new(ReasonCode::AzureEnvelope, format!("the evidence cannot be read: {why}"))
}

/// A spelling of bytes as text.
trait Spelling {
    /// What it is called.
    const NAME: &'static str;

    /// The bytes that a text spells.
    fn decode(text: &str) -> Option<Vec<u8>>;
}

struct Hex;

impl Spelling for Hex {
    const NAME: &'static str = "hex";

    fn decode(text: &str) -> Option<Vec<u8>> {
        hex::decode(text).ok()
    }
}

struct Base64Url;

impl Spelling for Base64Url {
    const NAME: &'static str = "base64url";

    fn decode(text: &str) -> Option<Vec<u8>> {
        BASE64URL.decode(text).ok()
    }
}

/// Bytes that were sent as an array of numbers or as text.
struct Encoded<S> {
    bytes: Vec<u8>,
    spelling: PhantomData<S>,
}

impl<'de, S: Spelling> Deserialize<'de> for Encoded<S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = deserializer.deserialize_any(EncodedVisitor::<S>(PhantomData))?;
        Ok(Self { bytes, spelling: PhantomData })
    }
}

struct EncodedVisitor<S>(PhantomData<S>);

impl<'de, S: Spelling> Visitor<'de> for EncodedVisitor<S> {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an array of bytes, or {}", S::NAME)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Vec<u8>, E> {
        S::decode(text).ok_or_else(|| E::custom(format_args!("a text that is not {}", S::NAME)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut members: A) -> Result<Vec<u8>, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = members.next_element()? {
            bytes.push(byte);
        }
        Ok(bytes)
    }
}
