//! The certificates of a device: five, in one order, from the attestation key that the firmware made up to NVIDIA's root for
//! devices; and what their names say of the device.
//!
//! In: certificates in DER, as they came with the report or stood in one file of the endorsements. Out: a [`DeviceChain`] for
//! the chain engine, and the [`Identity`] that a verified one certifies. No path is searched for: the root is the one that is
//! pinned, byte for byte, and every other certificate stands in its place.

use der::{Decode, oid::ObjectIdentifier};
use prooftrail_result::{Reason, ReasonCode};
use prooftrail_trust_roots::Root;
use x509_cert::{ext::pkix::KeyUsages, name::Name};

use super::{Device, fwid::Fwid, opaque::Pdi};
use crate::{
    context::Context,
    crypto::SignatureAlgorithm,
    x509::{Chain, KeyType, Outline, Profile, VerifiedCertificate, common_name},
};

/// NVIDIA's chains: P-384 with SHA-384 throughout. One profile for each kind of device, since the names of a leaf are read
/// once for each profile, and each kind has its own.
pub(super) const fn profile(name: &'static str) -> Profile {
    Profile {
        name,
        algorithms: &[SignatureAlgorithm::EcdsaP384Sha384],
        ca_key: KeyType::P384,
        leaf_key: KeyType::P384,
        leaf_usage: Some(KeyUsages::DigitalSignature),
        extended_key_usage: None,
        leaf_leeway_seconds: 0,
    }
}

static GPU: Profile = profile("nvidia-gpu");
static SWITCH: Profile = profile("nvidia-switch");

impl Device {
    /// The profile of such a device's chain.
    const fn profile(self) -> &'static Profile {
        match self {
            Self::Gpu => &GPU,
            Self::Switch => &SWITCH,
        }
    }
}

/// Attestation key, device identity, provisioner, family, root.
pub(super) const CERTIFICATES: usize = 5;

/// serialNumber (X.520; RFC 5280, appendix A.1).
const SERIAL_NUMBER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.5");

/// A chip by how its name begins, and its architecture as NVIDIA's tools spell it.
const CHIPS: [(&str, Device, &str); 4] = [
    ("GH1", Device::Gpu, "HOPPER"),
    ("GB1", Device::Gpu, "BLACKWELL"),
    ("GB2", Device::Gpu, "BLACKWELL"),
    ("LS_10", Device::Switch, "LS10"),
];

/// A chain whose root is one of ours. Nothing in it is verified yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct DeviceChain<'a> {
    pub(super) root: &'a Root,
    /// Below the root: the family's CA, the provisioner, the device.
    pub(super) authorities: [&'a [u8]; CERTIFICATES - 2],
    pub(super) leaf: &'a [u8],
    /// Of the chains of such devices.
    pub(super) profile: &'static Profile,
}

impl<'a> DeviceChain<'a> {
    /// Takes the certificates as they stand, the leaf first and the root last.
    pub(super) fn of(certificates: &[&'a [u8]], device: Device, context: &Context<'a>) -> Result<Self, Reason> {
        let &[leaf, identity, provisioner, family, sent] = certificates else {
            return Err(Reason::from(ReasonCode::ChainLength).have(certificates.len()).need(CERTIFICATES));
        };
        let root = context.roots.find(device.kind(), sent).ok_or_else(|| {
            let sha256 = hex::encode(context.crypto.sha256(&[sent]));
            Reason::from(ReasonCode::ChainRootNotPinned).have(format_args!("root with SHA-256 {sha256}"))
        })?;
        Ok(Self { root, authorities: [family, provisioner, identity], leaf, profile: device.profile() })
    }

    /// The same for the chain engine.
    pub(super) fn chain(&self) -> Chain<'_> {
        Chain { root: self.root, intermediates: &self.authorities, leaf: self.leaf }
    }
}

/// Which device it is, as NVIDIA certifies it, and what firmware it runs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Identity {
    /// `HOPPER`, `BLACKWELL`, `LS10`.
    pub(super) architecture: &'static str,
    /// The common name of the device's certificate: `GH100 A01 GSP BROM`.
    pub(super) model: String,
    /// The serial number of the attestation key's certificate, in decimal.
    pub(super) ueid: String,
    pub(super) pdi: Pdi,
    /// The SubjectPublicKeyInfo of the device's identity key.
    pub(super) device_key: Vec<u8>,
    /// What the attestation key's certificate says of the firmware.
    pub(super) fwid: Option<Fwid>,
}

impl Identity {
    /// The chip's name: `GH100`.
    pub(super) fn chip(&self) -> &str {
        self.model.split(' ').next().unwrap_or_default()
    }

    /// Reads the names of a verified chain: they must be those of one device of that kind.
    pub(super) fn read(leaf: &VerifiedCertificate, device: Device) -> Result<Self, Reason> {
        let mut path = leaf.path();
        let (Some(leaf), Some(identity), Some(provisioner), Some(family)) =
            (path.next(), path.next(), path.next(), path.next())
        else {
            return Err(ReasonCode::ChainLength.into());
        };
        let wrong = |have: Option<String>, need: String| {
            let have = have.unwrap_or_else(|| "no common name".to_owned());
            Err(Reason::from(ReasonCode::ChainName).have(have).need(need))
        };
        // The engine has compared each issuer's name with the subject above it.
        let model = common_name(&leaf.issuer).unwrap_or_default();
        let Some(part) = model.strip_suffix(" BROM") else {
            return wrong(Some(model), "the name of a device, such as GH100 A01 GSP BROM".to_owned());
        };
        let chip = part.split(' ').next().unwrap_or_default();
        let known = CHIPS.into_iter().find(|(begin, of, _)| *of == device && chip.starts_with(begin));
        let Some((_, _, architecture)) = known else {
            return wrong(Some(model.clone()), format!("a chip of {}", device.kind()));
        };
        let attestation_key = format!("{part} FMC LF");
        if leaf.common_name().as_deref() != Some(&attestation_key) {
            return wrong(leaf.common_name(), attestation_key);
        }
        let issuer = provisioner.common_name();
        let number = issuer.as_deref().and_then(|name| name.strip_prefix(&format!("NVIDIA {chip} Provisioner ICA ")));
        if !number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())) {
            return wrong(issuer, format!("NVIDIA {chip} Provisioner ICA and a number"));
        }
        let issuer = family.common_name();
        let of = issuer.as_deref().and_then(|name| name.strip_prefix("NVIDIA ")?.strip_suffix(" Identity"));
        if !of.is_some_and(|of| is_family(of, architecture)) {
            return wrong(issuer, format!("the identity CA of {architecture}"));
        }
        Ok(Self {
            architecture,
            ueid: decimal(&leaf.serial),
            pdi: pdi(&leaf.issuer, device).ok_or_else(|| {
                Reason::new(ReasonCode::ChainName, "the device's certificate does not name one device of its kind")
            })?,
            fwid: Fwid::of(leaf)?,
            device_key: identity.public_key_der.clone(),
            model,
        })
    }
}

/// The chip that a leaf's issuer names, before anything is verified.
pub(super) fn chip_of(leaf: &[u8]) -> Option<String> {
    let issuer = Name::from_der(Outline::of(leaf)?.issuer(leaf)).ok()?;
    let model = common_name(&issuer)?;
    let chip = model.strip_suffix(" BROM")?.split(' ').next()?;
    CHIPS.iter().any(|(begin, _, _)| chip.starts_with(begin)).then(|| chip.to_owned())
}

/// Whether a family's CA certifies provisioners of that architecture. Hopper's certifies its switches' as well.
fn is_family(chip: &str, architecture: &str) -> bool {
    let of = if architecture == "LS10" { "HOPPER" } else { architecture };
    CHIPS.iter().any(|(begin, _, architecture)| *architecture == of && chip.starts_with(begin))
}

/// The device's identifier: the subject's serial number, nine bytes in hex, the first of which tells GPUs from switches.
fn pdi(subject: &Name, device: Device) -> Option<Pdi> {
    let mut numbers = subject.iter().filter(|attribute| attribute.oid == SERIAL_NUMBER);
    let (number, None) = (numbers.next()?, numbers.next()) else { return None };
    let mut bytes = [0; 9];
    hex::decode_to_slice(number.value.value(), &mut bytes).ok()?;
    let [prefix, pdi @ ..] = bytes;
    (prefix == device.identity_prefix()).then_some(pdi)
}

/// A big-endian number in decimal.
fn decimal(number: &[u8]) -> String {
    // Least significant first, nine digits each.
    let mut limbs: Vec<u64> = vec![0];
    for byte in number {
        let mut carry = u64::from(*byte);
        for limb in &mut limbs {
            let value = *limb * 256 + carry;
            (*limb, carry) = (value % 1_000_000_000, value / 1_000_000_000);
        }
        if carry > 0 {
            limbs.push(carry);
        }
    }
    let mut digits = limbs.iter().rev();
    let first = digits.next().map(ToString::to_string).unwrap_or_default();
    digits.fold(first, |text, limb| format!("{text}{limb:09}"))
}

#[cfg(test)]
mod tests {
    use super::decimal;

    #[test]
    fn numbers_are_spelled_as_people_do() {
        for (bytes, text) in [
            (&[][..], "0"),
            (&[0, 0], "0"),
            (&[0x3B, 0x9A, 0xCA, 0x00], "1000000000"),
            (&[0xFF; 8], "18446744073709551615"),
            (&[1, 0, 0, 0, 0, 0, 0, 0, 0], "18446744073709551616"),
        ] {
            assert_eq!(decimal(bytes), text);
        }
        let serial = hex::decode("50948c723fc935c7bd14b7c22833dfbe1dfd1145").expect("hex");
        assert_eq!(decimal(&serial), "460032006552296075780760406069494258829212062021");
    }
}
