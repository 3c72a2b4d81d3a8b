//! What a device's certificate says of its firmware: the DICE extension of the leaf, in the two forms that NVIDIA's devices
//! have (TCG DICE Attestation Architecture 1.1, sections 6.1.1 and 6.1.5; TCG Implicit Identity Based Device Attestation).
//!
//! In: the leaf. Out: [`Fwid`]: the digest of the firmware that ran when the key was made, and in the first form the key that
//! certified it. A leaf with both forms, or with one that cannot be read, is refused.

use der::{AnyRef, Decode, Encode, Reader, Sequence, SliceReader, Tag, TagNumber, Tagged, asn1::ObjectIdentifier};
use prooftrail_result::{Reason, ReasonCode};

use crate::x509::Certificate;

/// The form of Hopper and of its switches: CompositeDeviceID.
const COMPOSITE_DEVICE_ID: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.23.133.5.4.1");
/// The form of Blackwell: DiceTcbInfo.
const TCB_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.23.133.5.4.1.1");
/// The list of digests in DiceTcbInfo.
const FWIDS: TagNumber = TagNumber(6);
const SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");

/// What the leaf certifies of the firmware.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Fwid {
    /// SHA-384 of the firmware.
    pub(super) digest: [u8; 48],
    /// The SubjectPublicKeyInfo of the device's identity key, where the form names it.
    pub(super) device_key: Option<Vec<u8>>,
}

#[derive(Sequence)]
struct CompositeDeviceId<'a> {
    version: u8,
    device_key: AnyRef<'a>,
    fwid: Digest<'a>,
}

#[derive(Sequence)]
struct Digest<'a> {
    algorithm: ObjectIdentifier,
    value: AnyRef<'a>,
}

impl Digest<'_> {
    fn sha384(&self) -> Option<[u8; 48]> {
        let is_sha384 = self.algorithm == SHA384 && self.value.tag() == Tag::OctetString;
        self.value.value().try_into().ok().filter(|_| is_sha384)
    }
}

impl Fwid {
    /// Reads the extension, where the leaf has one.
    pub(super) fn of(leaf: &Certificate) -> Result<Option<Self>, Reason> {
        let forms = [COMPOSITE_DEVICE_ID, TCB_INFO].map(|form| leaf.other_extension(form));
        let read = match forms {
            [None, None] => return Ok(None),
            [Some(value), None] => composite_device_id(value),
            [None, Some(value)] => tcb_info(value),
            [Some(_), Some(_)] => None,
        };
        read.map(Some).ok_or_else(|| ReasonCode::NvidiaFwidExtension.into())
    }
}

/// SEQUENCE of version 1, the device's key and a SHA-384 digest.
fn composite_device_id(value: &[u8]) -> Option<Fwid> {
    let CompositeDeviceId { version: 1, device_key, fwid } = CompositeDeviceId::from_der(value).ok()? else {
        return None;
    };
    let device_key = Some(device_key.to_der().ok().filter(|_| device_key.tag() == Tag::Sequence)?);
    Some(Fwid { digest: fwid.sha384()?, device_key })
}

/// SEQUENCE of fields with ascending context tags, of which \[6\] lists digests. The first is the firmware's; NVIDIA's devices
/// leave the second zero.
fn tcb_info(value: &[u8]) -> Option<Fwid> {
    let info = AnyRef::from_der(value).ok().filter(|info| info.tag() == Tag::Sequence)?;
    let mut fields = SliceReader::new(info.value()).ok()?;
    let mut fwids = None;
    let mut last = None;
    while !fields.is_finished() {
        let field = AnyRef::decode(&mut fields).ok()?;
        let Tag::ContextSpecific { number, constructed } = field.tag() else { return None };
        if last.is_some_and(|last| last >= number) {
            return None;
        }
        last = Some(number);
        if number == FWIDS && constructed {
            fwids = Some(field);
        }
    }
    let mut list = SliceReader::new(fwids?.value()).ok()?;
    let first = Digest::decode(&mut list).ok()?.sha384()?;
    while !list.is_finished() {
        Digest::decode(&mut list).ok()?;
    }
    Some(Fwid { digest: first, device_key: None })
}
