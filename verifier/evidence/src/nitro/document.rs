//! The payload of a Nitro attestation document (AWS Nitro Enclaves user guide, "Verifying the root of trust"; NitroTPM
//! documents differ in the name of the PCR map).
//!
//! In: untrusted bytes. Out: [`Document`], borrowed from them. AWS emits the payload map in definite and in indefinite
//! form, and absent fields as nulls; both are accepted. Unknown fields are kept by name, so that an addition by AWS is
//! seen and does not brick verification; a key that stands twice is refused.

use prooftrail_result::{Reason, ReasonCode, Timestamp};

use crate::{
    cbor::{Length, Reader},
    cose::Sign1,
};

/// AWS bounds the payload; its hypervisor's own buffer is smaller still (12,288 bytes).
const MAX_PAYLOAD_BYTES: usize = 16_384;

/// The largest envelope around the largest payload: tag, array, headers (1 + 1 + 5 + 1), lengths, signature (98).
pub(super) const MAX_DOCUMENT_BYTES: usize = MAX_PAYLOAD_BYTES + 109;

/// AWS emits four certificates; a bundle beyond this is refused before any is read.
const MAX_CABUNDLE: u64 = 8;
/// Cap of a certificate, as AWS states it.
const MAX_CERTIFICATE_BYTES: usize = 1024;
/// Cap of `public_key`, `user_data` and `nonce`, as AWS's CDDL states it.
const MAX_DATA_BYTES: usize = 1024;
/// Cap of every text and key.
const MAX_TEXT_BYTES: usize = 256;
/// PCRs 0 to 31.
pub(super) const PCRS: usize = 32;

/// Which of the two documents it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Variant {
    /// An enclave's (`pcrs`).
    Enclave,
    /// An instance's (`nitrotpm_pcrs`).
    Tpm,
}

/// A document that has the format. Nothing in it is to be believed yet.
#[derive(Debug)]
pub(super) struct Document<'a> {
    pub(super) envelope: Sign1<'a>,
    pub(super) module_id: &'a str,
    pub(super) timestamp: Timestamp,
    pub(super) pcrs: [Option<&'a [u8; 48]>; PCRS],
    pub(super) certificate: &'a [u8],
    /// Root first, as sent.
    pub(super) cabundle: Vec<&'a [u8]>,
    pub(super) public_key: Option<&'a [u8]>,
    pub(super) user_data: Option<&'a [u8]>,
    pub(super) nonce: Option<&'a [u8]>,
    /// Names of fields that are not known here, sorted.
    pub(super) unknown_fields: Vec<&'a str>,
}

/// The fields as they are met. The outer `Option` is whether the key was there.
#[derive(Default)]
struct Fields<'a> {
    module_id: Option<&'a str>,
    digest: Option<&'a str>,
    timestamp: Option<u64>,
    pcrs: Option<[Option<&'a [u8; 48]>; PCRS]>,
    nitrotpm_pcrs: Option<[Option<&'a [u8; 48]>; PCRS]>,
    certificate: Option<&'a [u8]>,
    cabundle: Option<Vec<&'a [u8]>>,
    public_key: Option<Option<&'a [u8]>>,
    user_data: Option<Option<&'a [u8]>>,
    nonce: Option<Option<&'a [u8]>>,
    unknown: Vec<&'a str>,
}

impl<'a> Document<'a> {
    /// Reads a document that must be of that variant.
    pub(super) fn parse(bytes: &'a [u8], variant: Variant) -> Result<Self, Reason> {
        let envelope = Sign1::parse(bytes, usize::MAX)?;
        if envelope.payload.is_empty() || envelope.payload.len() > MAX_PAYLOAD_BYTES {
            let have = format!("{} bytes", envelope.payload.len());
            return Err(Reason::from(ReasonCode::NitroPayloadTooLarge).have(have));
        }
        let fields = Reader::read_all(envelope.payload, "payload", Fields::read)?;
        Self::check(envelope, fields, variant)
    }

    /// Demands every mandatory field, and nothing outside its range.
    fn check(envelope: Sign1<'a>, fields: Fields<'a>, variant: Variant) -> Result<Self, Reason> {
        // Destructured, so that a new field cannot be forgotten here.
        let Fields {
            module_id,
            digest,
            timestamp,
            pcrs,
            nitrotpm_pcrs,
            certificate,
            cabundle,
            public_key,
            user_data,
            nonce,
            mut unknown,
        } = fields;
        let pcrs = match (variant, pcrs, nitrotpm_pcrs) {
            (Variant::Enclave, Some(pcrs), None) | (Variant::Tpm, None, Some(pcrs)) => pcrs,
            (_, None, None) => return Err(missing("pcrs")),
            (_, Some(_), Some(_)) => {
                return Err(Reason::new(ReasonCode::NitroDocumentKind, "the document has both kinds of PCRs"));
            }
            (Variant::Enclave, None, Some(_)) => {
                return Err(Reason::from(ReasonCode::NitroDocumentKind).have("nitrotpm_pcrs").need("pcrs"));
            }
            (Variant::Tpm, Some(_), None) => {
                return Err(Reason::from(ReasonCode::NitroDocumentKind).have("pcrs").need("nitrotpm_pcrs"));
            }
        };
        let module_id = module_id.ok_or_else(|| missing("module_id"))?;
        if module_id.is_empty() {
            return Err(invalid("module_id", "empty", "text"));
        }
        let digest = digest.ok_or_else(|| missing("digest"))?;
        if digest != "SHA384" {
            return Err(Reason::from(ReasonCode::NitroDigestUnsupported).have(digest).need("SHA384"));
        }
        let millis = timestamp.ok_or_else(|| missing("timestamp"))?;
        let timestamp = i64::try_from(millis).ok().filter(|&millis| millis > 0).and_then(Timestamp::from_unix_millis);
        let timestamp = timestamp
            .ok_or_else(|| invalid("timestamp", millis, "milliseconds since 1970, above 0, before the year 10000"))?;
        let certificate = certificate.ok_or_else(|| missing("certificate"))?;
        if certificate.is_empty() {
            return Err(invalid("certificate", "0 bytes", "1 to 1024 bytes"));
        }
        let cabundle = cabundle.ok_or_else(|| missing("cabundle"))?;
        if cabundle.is_empty() || cabundle.iter().any(|certificate| certificate.is_empty()) {
            return Err(invalid("cabundle", "nothing where a certificate should be", "the root and the CAs below it"));
        }
        unknown.sort_unstable();
        Ok(Self {
            envelope,
            module_id,
            timestamp,
            pcrs,
            certificate,
            cabundle,
            public_key: public_key.flatten(),
            user_data: user_data.flatten(),
            nonce: nonce.flatten(),
            unknown_fields: unknown,
        })
    }
}

impl<'a> Fields<'a> {
    /// Reads the payload map, in either form.
    fn read(reader: &mut Reader<'a>) -> Result<Self, Reason> {
        let mut fields = Self::default();
        let length = reader.map()?;
        let mut taken = 0;
        while reader.more(length, taken)? {
            taken += 1;
            let key = reader.text(MAX_TEXT_BYTES)?;
            match key {
                "module_id" => once(&mut fields.module_id, key, reader.text(MAX_TEXT_BYTES)?)?,
                "digest" => once(&mut fields.digest, key, reader.text(MAX_TEXT_BYTES)?)?,
                "timestamp" => once(&mut fields.timestamp, key, reader.unsigned()?)?,
                "pcrs" => once(&mut fields.pcrs, key, read_pcrs(reader)?)?,
                "nitrotpm_pcrs" => once(&mut fields.nitrotpm_pcrs, key, read_pcrs(reader)?)?,
                "certificate" => once(&mut fields.certificate, key, reader.bytes(MAX_CERTIFICATE_BYTES)?)?,
                "cabundle" => once(&mut fields.cabundle, key, read_cabundle(reader)?)?,
                "public_key" => once(&mut fields.public_key, key, reader.bytes_or_null(MAX_DATA_BYTES)?)?,
                "user_data" => once(&mut fields.user_data, key, reader.bytes_or_null(MAX_DATA_BYTES)?)?,
                "nonce" => once(&mut fields.nonce, key, reader.bytes_or_null(MAX_DATA_BYTES)?)?,
                unknown if fields.unknown.contains(&unknown) => return Err(duplicate(unknown)),
                unknown => {
                    reader.skip(1)?;
                    fields.unknown.push(unknown);
                }
            }
        }
        Ok(fields)
    }
}

/// Sets a field that must not have been set before.
fn once<T>(field: &mut Option<T>, key: &str, value: T) -> Result<(), Reason> {
    match field.replace(value) {
        None => Ok(()),
        Some(_) => Err(duplicate(key)),
    }
}

/// `{ index: value }`, definite, 1 to 32 entries.
fn read_pcrs<'a>(reader: &mut Reader<'a>) -> Result<[Option<&'a [u8; 48]>; PCRS], Reason> {
    let mut pcrs = [None; PCRS];
    let length = reader.map()?;
    if length == Length::Definite(0) {
        return Err(invalid("pcrs", "no entry", "1 to 32 entries"));
    }
    let mut taken = 0;
    while reader.more(length, taken)? {
        taken += 1;
        let index = reader.unsigned()?;
        let value = reader.bytes(MAX_DATA_BYTES)?;
        let value = value.try_into().map_err(|_| {
            Reason::from(ReasonCode::NitroPcrLength).have(format_args!("PCR{index} of {} bytes", value.len()))
        })?;
        let slot = usize::try_from(index).ok().and_then(|index| pcrs.get_mut(index));
        match slot {
            Some(slot @ None) => *slot = Some(value),
            Some(Some(_)) => return Err(duplicate(&format!("PCR{index}"))),
            None => return Err(Reason::from(ReasonCode::NitroPcrIndex).have(index).need("0 to 31")),
        }
    }
    Ok(pcrs)
}

/// `[ root, CA, … ]`, definite or not.
fn read_cabundle<'a>(reader: &mut Reader<'a>) -> Result<Vec<&'a [u8]>, Reason> {
    let mut bundle = Vec::new();
    let length = reader.array()?;
    let mut taken = 0;
    while reader.more(length, taken)? {
        taken += 1;
        if taken > MAX_CABUNDLE {
            let reason = Reason::new(ReasonCode::ChainLength, "the certificate bundle is longer than any AWS sends");
            return Err(reason.need(format_args!("at most {MAX_CABUNDLE} certificates")));
        }
        bundle.push(reader.bytes(MAX_CERTIFICATE_BYTES)?);
    }
    Ok(bundle)
}

fn missing(field: &'static str) -> Reason {
    Reason::new(ReasonCode::NitroFieldMissing, format!("the document has no `{field}`"))
}

fn invalid(field: &'static str, have: impl std::fmt::Display, need: &'static str) -> Reason {
    Reason::new(ReasonCode::NitroFieldInvalid, format!("`{field}` is outside what the format allows"))
        .have(have)
        .need(need)
}

fn duplicate(key: &str) -> Reason {
    Reason::from(ReasonCode::CborDuplicateKey).have(key)
}
