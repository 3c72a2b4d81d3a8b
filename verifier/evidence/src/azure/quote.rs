//! A TPM quote: what the virtual TPM says of its registers, and the signature under it (TPM 2.0 Library, Part 2, sections
//! 10.12.8 TPMS_ATTEST, 10.12.1 TPMS_QUOTE_INFO, 10.6.2 TPMS_PCR_SELECTION, 11.3.4 TPMT_SIGNATURE).
//!
//! In: message, signature and register values, as they were sent. Out: [`Quote`], whose registers have the numbers that the
//! quote itself selects: values without that would let a guest present registers that it may reset as the ones that
//! measure its boot. Numbers are big-endian.

use prooftrail_result::{Reason, ReasonCode};

use super::attestation_key::AttestationKey;
use crate::{bytes::Bytes, crypto::Crypto};

/// TPM_GENERATED_VALUE: the TPM made the structure itself, and signs nothing else that begins like it.
const TPM_GENERATED: u32 = 0xFF54_4347;
/// TPM_ST_ATTEST_QUOTE.
const ATTEST_QUOTE: u16 = 0x8018;
/// TPM_ALG_SHA256 and TPM_ALG_RSASSA.
const SHA256: u16 = 0x000B;
const RSASSA: u16 = 0x0014;
/// The longest of a TPM's names (an algorithm and SHA-512), of its qualifying data, and of a list of banks.
const MAX_NAME_BYTES: usize = 66;
const MAX_QUALIFYING_BYTES: usize = 66;
const MAX_BANKS: u32 = 16;
/// The registers of a TPM of the PC Client profile, and the bytes of their bitmap.
const REGISTERS: u8 = 24;
const MAX_BITMAP_BYTES: usize = 3;
/// Messages and signatures beyond this are no quote's.
const MAX_PART_BYTES: usize = 1024;

/// The parts of a quote, as they were sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct SentQuote {
    pub(crate) message: Vec<u8>,
    pub(crate) signature: Vec<u8>,
    pub(crate) pcrs: Vec<[u8; 32]>,
}

/// A quote that has the form.
#[derive(Clone, Debug)]
pub(crate) struct Quote {
    /// TPMS_ATTEST, which is what is signed.
    pub(super) message: Vec<u8>,
    signature: Vec<u8>,
    /// Values of registers, as they were sent.
    values: Vec<[u8; 32]>,
    /// The registers of the SHA-256 bank that are quoted, in ascending order.
    pub(super) selected: Vec<u8>,
    /// The digest of their values.
    digest: [u8; 32],
    /// qualifyingData: what the caller of TPM2_Quote chose.
    pub(super) extra_data: Vec<u8>,
    pub(super) clock: Clock,
    pub(super) firmware_version: u64,
}

/// TPMS_CLOCK_INFO.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    pub(super) milliseconds: u64,
    pub(super) reset_count: u32,
    pub(super) restart_count: u32,
    pub(super) is_safe: bool,
}

impl Quote {
    /// Reads a quote.
    pub(crate) fn parse(sent: SentQuote) -> Result<Self, Reason> {
        let SentQuote { message, signature, pcrs: values } = sent;
        if message.len() > MAX_PART_BYTES || signature.len() > MAX_PART_BYTES || values.len() > usize::from(REGISTERS) {
            return Err(malformed("a part of it is larger than any TPM's"));
        }
        let mut reader = Bytes::new(&message);
        if reader.be_u32() != Some(TPM_GENERATED) || reader.be_u16() != Some(ATTEST_QUOTE) {
            return Err(malformed("it does not begin as a TPM's quotes do"));
        }
        let truncated = || malformed("it ends before its fields do");
        let name = reader.with_be_u16_length().ok_or_else(truncated)?;
        let extra_data = reader.with_be_u16_length().ok_or_else(truncated)?.to_vec();
        if name.len() > MAX_NAME_BYTES || extra_data.len() > MAX_QUALIFYING_BYTES {
            return Err(malformed("a name or the qualifying data are longer than a TPM allows"));
        }
        let (milliseconds, reset_count, restart_count, safe, firmware_version) =
            clock(&mut reader).ok_or_else(truncated)?;
        let is_safe = match safe {
            0 => false,
            1 => true,
            _ => return Err(malformed("the clock is neither safe nor unsafe")),
        };
        let selected = selection(&mut reader)?;
        let digest = reader.with_be_u16_length().ok_or_else(truncated)?;
        let digest = digest.try_into().map_err(|_| malformed("the registers' digest is not SHA-256's"))?;
        if !reader.rest().is_empty() {
            return Err(malformed("bytes follow it"));
        }
        let clock = Clock { milliseconds, reset_count, restart_count, is_safe };
        Ok(Self { message, signature, values, selected, digest, extra_data, clock, firmware_version })
    }

    /// Verifies the signature.
    pub(super) fn verify(&self, key: &AttestationKey, crypto: &dyn Crypto) -> Result<(), Reason> {
        let signature = self.raw_signature(key.modulus_bytes)?;
        let verified = crypto.rsa_key(&key.pkcs1).verify_pkcs1_sha256(&self.message, signature);
        verified.map_err(|_| ReasonCode::TpmQuoteSignature.into())
    }

    /// The signature's number: it was sent bare, or as the TPMT_SIGNATURE that TPM2_Quote returns.
    fn raw_signature(&self, modulus_bytes: usize) -> Result<&[u8], Reason> {
        if self.signature.len() == modulus_bytes {
            return Ok(&self.signature);
        }
        let mut reader = Bytes::new(&self.signature);
        let scheme = (reader.be_u16(), reader.be_u16());
        match (scheme, reader.with_be_u16_length()) {
            ((Some(RSASSA), Some(SHA256)), Some(number)) if reader.rest().is_empty() => Ok(number),
            ((Some(scheme), Some(hash)), Some(_)) if reader.rest().is_empty() => {
                Err(Reason::from(ReasonCode::TpmSignatureAlgorithm)
                    .have(format_args!("scheme {scheme:#06x}, hash {hash:#06x}"))
                    .need(format_args!("scheme {RSASSA:#06x}, hash {SHA256:#06x}")))
            }
            _ => Err(Reason::from(ReasonCode::TpmQuoteSignature)
                .have(format_args!("{} bytes", self.signature.len()))
                .need(format_args!("{modulus_bytes} bytes"))),
        }
    }

    /// The quoted registers by their numbers, where the values that were sent are the ones that are signed.
    pub(super) fn registers(&self, crypto: &dyn Crypto) -> Result<Vec<(u8, [u8; 32])>, Reason> {
        if self.values.len() != self.selected.len() {
            let (have, need) = (self.values.len(), self.selected.len());
            return Err(Reason::from(ReasonCode::TpmPcrValues)
                .have(format_args!("{have} values"))
                .need(format_args!("{need} values, of the registers {:?}", self.selected)));
        }
        let parts: Vec<_> = self.values.iter().map(<[u8; 32]>::as_slice).collect();
        let digest = crypto.sha256(&parts);
        if digest != self.digest {
            return Err(Reason::from(ReasonCode::TpmPcrDigest)
                .have(hex::encode(digest))
                .need(hex::encode(self.digest)));
        }
        Ok(self.selected.iter().copied().zip(self.values.iter().copied()).collect())
    }
}

fn clock(reader: &mut Bytes<'_>) -> Option<(u64, u32, u32, u8, u64)> {
    Some((reader.be_u64()?, reader.be_u32()?, reader.be_u32()?, reader.u8()?, reader.be_u64()?))
}

/// TPML_PCR_SELECTION: the SHA-256 bank once, and of other banks nothing.
fn selection(reader: &mut Bytes<'_>) -> Result<Vec<u8>, Reason> {
    let truncated = || malformed("its selection of registers ends too early");
    let other = |why: &str| Reason::new(ReasonCode::TpmPcrSelection, format!("the TPM quote's selection: {why}"));
    let count = reader.be_u32().ok_or_else(truncated)?;
    if count > MAX_BANKS {
        return Err(malformed("it selects more banks than any TPM has"));
    }
    let mut selected = None;
    for _ in 0..count {
        let bank = reader.be_u16().ok_or_else(truncated)?;
        let size = reader.u8().ok_or_else(truncated)?;
        let bitmap = reader.take(size.into()).ok_or_else(truncated)?;
        if bank == SHA256 {
            if bitmap.len() > MAX_BITMAP_BYTES {
                return Err(other("it has room for registers beyond 23"));
            }
            let registers = (0..REGISTERS).filter(|register| is_set(bitmap, *register)).collect();
            if selected.replace(registers).is_some() {
                return Err(other("it names the SHA-256 bank twice"));
            }
        } else if bitmap.iter().any(|byte| *byte != 0) {
            return Err(other("it has registers of another bank").have(format_args!("bank {bank:#06x}")));
        }
    }
    selected
        .filter(|registers: &Vec<u8>| !registers.is_empty())
        .ok_or_else(|| other("it has no register of the SHA-256 bank"))
}

/// Whether a register's bit is set: register 0 is the lowest bit of the first byte.
fn is_set(bitmap: &[u8], register: u8) -> bool {
    bitmap.get(usize::from(register / 8)).is_some_and(|byte| byte >> (register % 8) & 1 == 1)
}

fn malformed(why: &str) -> Reason {
    Reason::new(ReasonCode::TpmQuoteMalformed, format!("the TPM quote: {why}"))
}
