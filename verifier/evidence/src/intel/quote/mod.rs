//! ECDSA quotes of versions 3, 4 and 5 (Intel SGX DCAP: sgx_quote_3.h, sgx_quote_4.h, sgx_quote_5.h; Intel TDX DCAP
//! quoting library API, appendix A).
//!
//! In: bytes, possibly padded with zeros, as hosts hand out buffers of fixed size. Out: [`Quote`], every field in its
//! place. Nothing is judged but the form: combinations of version, TEE and body that exist, lengths that fit, exactly.
//!
//! ```text
//! 3: header 48 | enclave report 384                   | u32 length | signature data
//! 4: header 48 | enclave report 384 or TD report 584  | u32 length | signature data
//! 5: header 48 | u16 type | u32 size | body           | u32 length | signature data
//! ```

mod body;
mod signature_data;

pub(super) use body::{Body, EnclaveReport, TdReport};
pub(super) use signature_data::SignatureData;

use prooftrail_result::{Reason, ReasonCode};

use crate::bytes::Bytes;
use body::BodyType;

/// Quotes have some 5,000 bytes; the largest buffer that a host hands out has 8,000 (Google Cloud).
pub(super) const MAX_QUOTE_BYTES: usize = 64 * 1024;

/// ECDSA-256 with a P-256 key, the only type of attestation key that quoting enclaves make.
const KEY_TYPE_P256: u16 = 2;

/// Intel, as the vendor of the quoting enclave.
const INTEL_QE: [u8; 16] =
    [0x93, 0x9A, 0x72, 0x33, 0xF7, 0x9C, 0x4C, 0xA9, 0x94, 0x0A, 0x0D, 0xB3, 0x95, 0x7F, 0x06, 0x07];

/// Which TEE a quote is of.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Tee {
    /// Software Guard Extensions: an enclave.
    Sgx,
    /// Trust Domain Extensions: a guest.
    Tdx,
}

impl Tee {
    /// The number in a quote's header.
    const fn number(self) -> u32 {
        match self {
            Self::Sgx => 0,
            Self::Tdx => 0x81,
        }
    }

    /// Its name, as TCB info has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sgx => "SGX",
            Self::Tdx => "TDX",
        }
    }
}

/// A quote.
#[derive(Debug)]
pub(super) struct Quote<'a> {
    pub(super) version: u16,
    /// The first 16 bytes of the header's user data: which instance of the quoting enclave it was.
    pub(super) qe_id: &'a [u8; 16],
    pub(super) body: Body<'a>,
    /// The number of the body's type, as version 5 counts them.
    pub(super) body_type: u16,
    /// What the signature covers: everything before the length of the signature data.
    pub(super) signed: &'a [u8],
    pub(super) signature_data: SignatureData<'a>,
    /// From the header to the end of the signature data.
    pub(super) unpadded: &'a [u8],
    /// All of it, zeros included.
    pub(super) as_sent: &'a [u8],
}

impl<'a> Quote<'a> {
    /// Reads a quote of a TEE.
    pub(super) fn parse(bytes: &'a [u8], tee: Tee) -> Result<Self, Reason> {
        let truncated = || Reason::from(ReasonCode::QuoteTruncated).have(format_args!("{} bytes", bytes.len()));
        let mut reader = Bytes::new(bytes);
        let version = reader.u16().ok_or_else(truncated)?;
        if !(3..=5).contains(&version) {
            return Err(Reason::from(ReasonCode::QuoteVersion).have(version).need("3, 4 or 5"));
        }
        let key_type = reader.u16().ok_or_else(truncated)?;
        if key_type != KEY_TYPE_P256 {
            return Err(Reason::from(ReasonCode::QuoteKeyType).have(key_type).need(KEY_TYPE_P256));
        }
        let number = reader.u32().ok_or_else(truncated)?;
        if number != tee.number() || (version == 3 && tee == Tee::Tdx) {
            let have = format!("TEE {number:#x} in version {version}");
            return Err(Reason::from(ReasonCode::QuoteTee).have(have).need(format_args!("{:#x}", tee.number())));
        }
        // Versions of QE and PCE in version 3, reserved from version 4 on; both are certified elsewhere.
        let _svns = reader.array::<4>().ok_or_else(truncated)?;
        let vendor = reader.array::<16>().ok_or_else(truncated)?;
        if *vendor != INTEL_QE {
            return Err(Reason::from(ReasonCode::QuoteVendor).have(hex::encode(vendor)).need(hex::encode(INTEL_QE)));
        }
        let qe_id = reader.array::<16>().ok_or_else(truncated)?;
        let _other_user_data = reader.array::<4>().ok_or_else(truncated)?;
        let body_type = match (version, tee) {
            (5, _) => {
                let (number, size) = (reader.u16().ok_or_else(truncated)?, reader.u32().ok_or_else(truncated)?);
                BodyType::of(number, size, tee)?
            }
            (_, Tee::Sgx) => BodyType::Enclave,
            (_, Tee::Tdx) => BodyType::Td10,
        };
        let body = body_type.read(reader.take(body_type.size()).ok_or_else(truncated)?).ok_or_else(truncated)?;
        let signed = bytes.get(..bytes.len() - reader.rest().len()).ok_or_else(truncated)?;
        let signature_data = reader.with_u32_length().ok_or_else(truncated)?;
        if reader.rest().iter().any(|byte| *byte != 0) {
            return Err(ReasonCode::QuoteTrailingBytes.into());
        }
        let unpadded = bytes.get(..bytes.len() - reader.rest().len()).ok_or_else(truncated)?;
        let signature_data = SignatureData::parse(signature_data, version)?;
        let body_type = body_type.number();
        Ok(Self { version, qe_id, body, body_type, signed, signature_data, unpadded, as_sent: bytes })
    }
}
