//! A cloud that endorses builds of its firmware as Google's Compute Engine does: `VMLaunchEndorsement` with a
//! `VMGoldenMeasurement` inside (google/gce-tcb-verifier, proto/endorsement.proto), signed by a key below a root.
//!
//! [`Signer::endorsement`] makes an [`Endorsement`], whose public fields say everything about it before it is built.

pub mod protobuf;

use self::protobuf::{Field, message};
use crate::{
    derive,
    edit::Edit,
    key::Key,
    manifest,
    x509::{
        CertificateSpec, Extension,
        KeyUsage::{CrlSign, DigitalSignature, KeyCertSign},
        Name, oid,
    },
};

const DAY: i64 = 24 * 3600;
const YEAR: i64 = 365 * DAY;

/// Who endorses. Two with the same seed are the same.
#[derive(Clone, Debug)]
pub struct Signer {
    /// The root.
    pub root: CertificateSpec,
    /// The certificate of the key that signs.
    pub certificate: CertificateSpec,
    seed: String,
}

impl Signer {
    /// A signer whose certificate begins a year before `at` and ends some years after.
    #[must_use]
    pub fn new(seed: &str, at: i64) -> Self {
        let certificate = |common_name: &str, serial: u8, years: i64, is_ca: bool| {
            let name = Name::new(&[
                (oid::COUNTRY, "USA"),
                (oid::ORGANIZATION, &format!("Simulated Cloud {seed}")),
                (oid::ORGANIZATIONAL_UNIT, "Engineering"),
                (oid::LOCALITY, "Kirkland"),
                (oid::STATE, "WA"),
                (oid::COMMON_NAME, common_name),
                (oid::SERIAL_NUMBER, &serial.to_string()),
            ]);
            let key = Key::rsa4096_sha256(&format!("{seed}/gce/{common_name}"));
            let not_before = at.saturating_sub(YEAR);
            let spec =
                CertificateSpec::new(name, key, vec![serial], not_before, not_before.saturating_add(years * YEAR));
            let usage = if is_ca { &[KeyCertSign, CrlSign][..] } else { &[DigitalSignature] };
            let constraints = Extension::basic_constraints(is_ca, is_ca.then_some(0));
            CertificateSpec { extensions: vec![Extension::key_usage(usage), constraints], ..spec }
        };
        Self {
            root: certificate("simulated-cc-tcb-root_1", 1, 10, true),
            certificate: certificate("simulated-uefi-signer", 2, 5, false),
            seed: seed.to_owned(),
        }
    }

    /// An endorsement of a build of the firmware, signed at `at`: measured by SEV-SNP for several numbers of virtual CPUs and
    /// by TDX for several sizes of memory.
    #[must_use]
    pub fn endorsement(&self, at: i64) -> Endorsement {
        let digest = |name: &str| -> Vec<u8> {
            let parts = [0, 1].map(|part| derive::bytes::<32>(&format!("{}/gce/{name}/{part}", self.seed)));
            parts.concat().into_iter().take(48).collect()
        };
        Endorsement {
            certificate: self.certificate.issued_by(&self.root),
            key: self.certificate.key.clone(),
            timestamp: Some((at, 0)),
            change: 123_456_789,
            commit: Vec::new(),
            uefi_digest: digest("uefi"),
            snp: Some(Snp {
                svn: 2,
                measurements: [1, 2, 4, 8].map(|count| (count, digest(&format!("snp/{count}")))).to_vec(),
                svsm_measurement: None,
            }),
            tdx: Some(Tdx {
                svn: 3,
                measurements: [4, 16, 32].map(|ram| (ram, ram == 32, digest(&format!("tdx/{ram}")))).to_vec(),
            }),
            further: Vec::new(),
            further_in_snp: Vec::new(),
            further_in_tdx: Vec::new(),
            further_outside: Vec::new(),
            before: Vec::new(),
            signature: None,
            after: Vec::new(),
        }
    }

    /// The root in DER.
    #[must_use]
    pub fn root_der(&self) -> Vec<u8> {
        self.root.self_issued()
    }

    /// The manifest of the root, TOML: what a verifier reads beside `simulated-gce-root.der`.
    #[must_use]
    pub fn root_manifest(&self) -> String {
        let id = format!("simulated-gce-{}", self.seed);
        let kinds = ["amd-sev-snp", "intel-tdx"];
        manifest::of_root_for("gce-firmware", &id, "simulated-gce-root.der", &self.root, "google", &kinds)
    }
}

/// An endorsement before it is signed.
#[derive(Clone, Debug)]
pub struct Endorsement {
    /// The signer's certificate, DER.
    pub certificate: Vec<u8>,
    /// The key that signs.
    pub key: Key,
    /// Seconds since the Unix epoch, and nanoseconds; `None` leaves the field out.
    pub timestamp: Option<(i64, u64)>,
    /// The change that the firmware was built from; 0 is left out.
    pub change: u64,
    /// The commit that it was built from; none is left out.
    pub commit: Vec<u8>,
    /// SHA-384 of the firmware.
    pub uefi_digest: Vec<u8>,
    /// On SEV-SNP.
    pub snp: Option<Snp>,
    /// On TDX.
    pub tdx: Option<Tdx>,
    /// Fields behind those of the signed message.
    pub further: Vec<Field>,
    /// Fields behind those of its part on SEV-SNP.
    pub further_in_snp: Vec<Field>,
    /// Fields behind those of its part on TDX.
    pub further_in_tdx: Vec<Field>,
    /// Fields behind the signature.
    pub further_outside: Vec<Field>,
    /// Edits of the signed bytes before they are signed.
    pub before: Vec<Edit>,
    /// The signature; `None` is a good one.
    pub signature: Option<Vec<u8>>,
    /// Edits of the whole.
    pub after: Vec<Edit>,
}

/// How the firmware launches on SEV-SNP.
#[derive(Clone, Debug)]
pub struct Snp {
    /// The security version number.
    pub svn: u64,
    /// By the number of virtual CPUs.
    pub measurements: Vec<(u64, Vec<u8>)>,
    /// Below a secure VM service module.
    pub svsm_measurement: Option<Vec<u8>>,
}

/// How the firmware launches on TDX.
#[derive(Clone, Debug)]
pub struct Tdx {
    /// The security version number.
    pub svn: u64,
    /// By gibibytes of memory, and whether all of it is accepted early.
    pub measurements: Vec<(u64, bool, Vec<u8>)>,
}

impl Endorsement {
    /// The measurement for that number of virtual CPUs.
    ///
    /// # Panics
    /// Where the endorsement has none.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test that asks for what there is not would test nothing")]
    pub fn snp_measurement(&self, processors: u64) -> [u8; 48] {
        let listed = self.snp.iter().flat_map(|snp| &snp.measurements).find(|(count, _)| *count == processors);
        listed.and_then(|(_, measurement)| measurement.as_slice().try_into().ok()).expect("a measurement for that many")
    }

    /// The MRTD for that size of memory.
    ///
    /// # Panics
    /// Where the endorsement has none.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test that asks for what there is not would test nothing")]
    pub fn mrtd(&self, ram: u64) -> [u8; 48] {
        let listed = self.tdx.iter().flat_map(|tdx| &tdx.measurements).find(|(size, _, _)| *size == ram);
        listed.and_then(|(_, _, mrtd)| mrtd.as_slice().try_into().ok()).expect("a measurement for that much")
    }

    /// The endorsement as Google's bucket serves it: `{measurement}.binarypb`.
    #[must_use]
    pub fn build(&self) -> Vec<u8> {
        let mut golden = self.golden();
        self.before.iter().for_each(|edit| edit.apply(&mut golden));
        let signature = self.signature.clone().unwrap_or_else(|| self.key.sign(&golden).fixed());
        let fields = [Field::Bytes(1, golden), Field::Bytes(2, signature)];
        let mut bytes = message(&[&fields, self.further_outside.as_slice()].concat());
        self.after.iter().for_each(|edit| edit.apply(&mut bytes));
        bytes
    }

    /// `VMGoldenMeasurement`, with fields that are zero left out, as Google's writer does.
    fn golden(&self) -> Vec<u8> {
        let mut fields = Vec::new();
        if let Some((seconds, nanoseconds)) = self.timestamp {
            fields.push(Field::Bytes(1, message(&numbers(&[(1, seconds.cast_unsigned()), (2, nanoseconds)]))));
        }
        fields.extend(numbers(&[(2, self.change)]));
        let bytes = [(3, &self.commit), (4, &self.certificate), (5, &self.uefi_digest)];
        fields
            .extend(bytes.into_iter().filter(|(_, bytes)| !bytes.is_empty()).map(|(n, b)| Field::Bytes(n, b.clone())));
        fields.extend(self.snp.as_ref().map(|snp| Field::Bytes(7, snp.message(&self.further_in_snp))));
        fields.extend(self.tdx.as_ref().map(|tdx| Field::Bytes(8, tdx.message(&self.further_in_tdx))));
        fields.extend(self.further.iter().cloned());
        message(&fields)
    }
}

/// Numbers that are not zero.
fn numbers(fields: &[(u64, u64)]) -> Vec<Field> {
    fields.iter().filter(|(_, value)| *value != 0).map(|(number, value)| Field::Varint(*number, *value)).collect()
}

impl Snp {
    fn message(&self, further: &[Field]) -> Vec<u8> {
        let mut fields = numbers(&[(1, self.svn)]);
        for (count, measurement) in &self.measurements {
            let mut entry = numbers(&[(1, *count)]);
            entry.push(Field::Bytes(2, measurement.clone()));
            fields.push(Field::Bytes(2, message(&entry)));
        }
        // Family, image and policy, as Google's have them.
        fields.push(Field::Bytes(3, b"\xf7\x3a\x69\x49\xe8\xf3\x47\x3b\x95\x53\xe4\x0e\x05\x6f\xa3\xa2".to_vec()));
        fields.push(Field::Bytes(4, vec![4; 16]));
        fields.push(Field::Varint(5, 0x7_0000));
        fields.extend(self.svsm_measurement.clone().map(|measurement| Field::Bytes(7, measurement)));
        fields.extend_from_slice(further);
        message(&fields)
    }
}

impl Tdx {
    fn message(&self, further: &[Field]) -> Vec<u8> {
        let mut fields = numbers(&[(1, self.svn)]);
        for (ram, is_early, mrtd) in &self.measurements {
            let mut measurement = numbers(&[(1, *ram), (2, u64::from(*is_early))]);
            measurement.push(Field::Bytes(3, mrtd.clone()));
            fields.push(Field::Bytes(2, message(&measurement)));
        }
        fields.extend_from_slice(further);
        message(&fields)
    }
}
