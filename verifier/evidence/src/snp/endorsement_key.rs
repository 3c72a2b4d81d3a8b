//! What AMD certifies of the key that signs reports: its extensions (AMD 57230, VCEK certificate, table 8; VLEK
//! certificate).
//!
//! In: a VCEK's or VLEK's certificate, and the line and kind that its issuer stands for. Out: [`EndorsementKey`]: the TCB
//! version that the key belongs to, and the chip or the cloud. Every extension has one accepted encoding.

use std::ops::RangeInclusive;

use der::{
    Decode,
    asn1::{Ia5StringRef, OctetStringRef},
    oid::ObjectIdentifier,
};
use prooftrail_result::{Reason, ReasonCode};

use super::{
    product::{Generation, KeyKind, ProductLine},
    tcb::TcbVersion,
};
use crate::x509::Certificate;

const STRUCT_VERSION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.1");
const PRODUCT_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.2");
const BOOTLOADER: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.3.1");
const TEE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.3.2");
const SNP: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.3.3");
const RESERVED: [ObjectIdentifier; 4] = [
    ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.3.4"),
    ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.3.5"),
    ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.3.6"),
    ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.3.7"),
];
const MICROCODE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.3.8");
const FMC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.3.9");
const HARDWARE_ID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.4");
const CLOUD_ID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.5");

/// A cloud's id is a distinguished name of a few dozen characters.
const CLOUD_ID_CHARACTERS: RangeInclusive<usize> = 1..=256;

/// What AMD certifies.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct EndorsementKey<'a> {
    pub(crate) tcb: TcbVersion,
    pub(crate) owner: Owner<'a>,
}

/// Whose key it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Owner<'a> {
    /// A chip's, by its id: a VCEK.
    Chip(&'a [u8]),
    /// A cloud's, by its name: a VLEK.
    Cloud(&'a str),
}

impl<'a> EndorsementKey<'a> {
    /// Reads the extensions of a certificate of that line and kind.
    pub(crate) fn read(certificate: &'a Certificate, line: ProductLine, kind: KeyKind) -> Result<Self, Reason> {
        let extensions = Extensions(certificate);
        let generation = line.generation();
        let version = extensions.level("structVersion", STRUCT_VERSION)?;
        if version != generation.struct_version() {
            let reason = wrong("structVersion", "is another than the product line's");
            return Err(reason.have(version).need(generation.struct_version()));
        }
        let product = extensions.value("productName", PRODUCT_NAME)?;
        let product = Ia5StringRef::from_der(product).map_err(|_| wrong("productName", "is no IA5String"))?;
        if !line.has_product_name(product.as_str()) {
            let reason = wrong("productName", "is another product's than the issuer's");
            return Err(reason.have(product.as_str()).need(line));
        }
        let fmc = match generation {
            Generation::Second => Some(extensions.level("fmcSPL", FMC)?),
            Generation::First if certificate.other_extension(FMC).is_some() => {
                return Err(wrong("fmcSPL", "belongs to a later product line"));
            }
            Generation::First => None,
        };
        let tcb = TcbVersion {
            fmc,
            bootloader: extensions.level("blSPL", BOOTLOADER)?,
            tee: extensions.level("teeSPL", TEE)?,
            snp: extensions.level("snpSPL", SNP)?,
            microcode: extensions.level("ucodeSPL", MICROCODE)?,
        };
        for reserved in RESERVED {
            if certificate.other_extension(reserved).is_some() && extensions.level("a reserved SPL", reserved)? != 0 {
                return Err(wrong("a reserved SPL", "is not zero"));
            }
        }
        let absent = |name, oid| match certificate.other_extension(oid) {
            None => Ok(()),
            Some(_) => Err(wrong(name, "belongs to the other kind of key")),
        };
        let owner = match kind {
            KeyKind::Vcek => {
                absent("CSP_ID", CLOUD_ID)?;
                Owner::Chip(extensions.hardware_id(generation.chip_id_bytes())?)
            }
            KeyKind::Vlek => {
                absent("HWID", HARDWARE_ID)?;
                Owner::Cloud(extensions.cloud_id()?)
            }
        };
        Ok(Self { tcb, owner })
    }
}

/// The extensions of a certificate.
struct Extensions<'a>(&'a Certificate);

impl<'a> Extensions<'a> {
    fn value(&self, name: &'static str, oid: ObjectIdentifier) -> Result<&'a [u8], Reason> {
        self.0.other_extension(oid).ok_or_else(|| wrong(name, "is missing"))
    }

    /// An INTEGER from 0 to 255 in DER.
    fn level(&self, name: &'static str, oid: ObjectIdentifier) -> Result<u8, Reason> {
        u8::from_der(self.value(name, oid)?).map_err(|_| wrong(name, "is no INTEGER from 0 to 255 in DER"))
    }

    /// The chip's id: bare, as AMD's key server writes it, or as an OCTET STRING.
    fn hardware_id(&self, bytes: usize) -> Result<&'a [u8], Reason> {
        let value = self.value("HWID", HARDWARE_ID)?;
        if value.len() == bytes {
            return Ok(value);
        }
        match <&OctetStringRef>::from_der(value) {
            Ok(id) if id.as_bytes().len() == bytes => Ok(id.as_bytes()),
            _ => Err(wrong("HWID", "has another length than the product line's chip ids")),
        }
    }

    fn cloud_id(&self) -> Result<&'a str, Reason> {
        let value = Ia5StringRef::from_der(self.value("CSP_ID", CLOUD_ID)?);
        match value {
            Ok(id) if CLOUD_ID_CHARACTERS.contains(&id.as_str().len()) => Ok(id.as_str()),
            _ => Err(wrong("CSP_ID", "is no IA5String of a name")),
        }
    }
}

fn wrong(name: &str, problem: &str) -> Reason {
    Reason::new(ReasonCode::SnpCertificateExtension, format!("the certificate's {name} {problem}"))
}
