//! The vendor: its authorities, one platform, and what it issues.

use super::{
    collateral::{Collateral, DocumentSigning},
    documents::{ModuleSpec, QeIdentitySpec, SvnLevelSpec, TcbInfoSpec, TcbLevelSpec},
    pck::PckExtensionSpec,
    quote::{Body, Quote},
    report::{EnclaveReport, Td},
};
use crate::{
    derive,
    key::Key,
    manifest,
    x509::{
        CertificateSpec, CrlSpec, Extension,
        KeyUsage::{ContentCommitment, CrlSign, DigitalSignature, KeyCertSign},
        Name, oid,
    },
};

const DAY: i64 = 24 * 3600;
/// 2018-05-21T10:45:10Z.
const ROOT_NOT_BEFORE: i64 = 1_526_899_510;
/// 2049-12-31T23:59:59Z, the last second that UTCTime can spell.
const ROOT_NOT_AFTER: i64 = 2_524_607_999;
/// The name .invalid never resolves (RFC 6761).
const ROOT_CRL: &str = "https://certificates.simulated-intel.invalid/IntelSGXRootCA.der";
const PCK_CRL: &str = "https://api.simulated-intel.invalid/sgx/certification/v4/pckcrl?ca=platform&encoding=der";

/// Levels of the collateral, the best first: what has to change in a quote to match the next.
const DATES: [&str; 3] = ["2026-03-11T00:00:00Z", "2025-08-13T00:00:00Z", "2023-08-09T00:00:00Z"];

/// A simulated Intel with one platform. Two with the same seed share everything but what depends on the time.
#[derive(Clone, Debug)]
pub struct Vendor {
    /// The root, which a test may change before anything is issued: what [`Vendor::root_der`] pins is this.
    pub root: CertificateSpec,
    /// The CA that certifies platforms.
    pub platform_ca: CertificateSpec,
    /// The signer of collateral.
    pub tcb_signing: CertificateSpec,
    /// What is certified of the platform.
    pub platform: PckExtensionSpec,
    seed: String,
    at: i64,
}

impl Vendor {
    /// A vendor whose collateral is in force at `at`, seconds since the Unix epoch, with everything else derived from
    /// `seed`.
    #[must_use]
    pub fn new(seed: &str, at: i64) -> Self {
        let root = CertificateSpec {
            extensions: vec![
                Extension::authority_key_identifier(),
                Extension::crl_distribution_point(ROOT_CRL),
                Extension::subject_key_identifier(),
                Extension::key_usage(&[KeyCertSign, CrlSign]),
                Extension::basic_constraints(true, Some(1)),
            ],
            ..certificate(seed, "Intel SGX Root CA", ROOT_NOT_BEFORE, ROOT_NOT_AFTER)
        };
        let platform_ca = CertificateSpec {
            extensions: vec![
                Extension::authority_key_identifier(),
                Extension::crl_distribution_point(ROOT_CRL),
                Extension::subject_key_identifier(),
                Extension::key_usage(&[KeyCertSign, CrlSign]),
                Extension::basic_constraints(true, Some(0)),
            ],
            ..certificate(seed, "Intel SGX PCK Platform CA", ROOT_NOT_BEFORE, ROOT_NOT_BEFORE + 15 * 365 * DAY)
        };
        let tcb_signing = CertificateSpec {
            extensions: leaf_extensions(ROOT_CRL),
            ..certificate(seed, "Intel SGX TCB Signing", at - 365 * DAY, at + 6 * 365 * DAY)
        };
        let platform = PckExtensionSpec {
            ppid: derive::bytes(&format!("{seed}/ppid")),
            components: [5, 5, 2, 2, 4, 1, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0],
            pce_svn: 13,
            cpu_svn: [5, 5, 2, 2, 4, 1, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0],
            pce_id: [0, 0],
            fmspc: [0x90, 0xC0, 0x6F, 0, 0, 0],
            sgx_type: 1,
            platform_instance_id: Some(derive::bytes(&format!("{seed}/platform-instance"))),
            configuration: Some([true, false, true]),
            without: None,
            twice: None,
        };
        Self { root, platform_ca, tcb_signing, platform, seed: seed.to_owned(), at }
    }

    /// The platform's certificate.
    #[must_use]
    pub fn pck(&self) -> CertificateSpec {
        let mut extensions = leaf_extensions(PCK_CRL);
        extensions.push(self.platform.extension());
        let (first, last) = (self.at - 90 * DAY, self.at + 6 * 365 * DAY);
        CertificateSpec { extensions, ..certificate(&self.seed, "Intel SGX PCK Certificate", first, last) }
    }

    /// A quote of a trust domain, version 4.
    #[must_use]
    pub fn td_quote(&self) -> Quote {
        let hash = |name: &str| -> [u8; 48] {
            let mut bytes = [0; 48];
            let halves = [derive::bytes::<24>(&format!("{}/{name}", self.seed)), derive::bytes::<24>(name)];
            bytes.iter_mut().zip(halves.concat()).for_each(|(place, byte)| *place = byte);
            bytes
        };
        let td = Td {
            tee_tcb_svn: [6, 1, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            mrseam: hash("mrseam"),
            mrsignerseam: [0; 48],
            seam_attributes: [0; 8],
            td_attributes: [0, 0, 0, 0x10, 0, 0, 0, 0],
            xfam: [0xE7, 0, 6, 0, 0, 0, 0, 0],
            mrtd: hash("mrtd"),
            mrconfigid: [0; 48],
            mrowner: [0; 48],
            mrownerconfig: [0; 48],
            rtmrs: [hash("rtmr0"), hash("rtmr1"), hash("rtmr2"), [0; 48]],
            report_data: [0; 64],
            td15: None,
            extended: None,
        };
        self.quote(4, 0x81, Body::Td(Box::new(td)), &qe("TD_QE"))
    }

    /// A quote of an enclave, version 3.
    #[must_use]
    pub fn enclave_quote(&self) -> Quote {
        let report = EnclaveReport {
            cpu_svn: self.platform.cpu_svn,
            miscselect: [0; 4],
            attributes: [5, 0, 0, 0, 0, 0, 0, 0, 0xE7, 0, 0, 0, 0, 0, 0, 0],
            mrenclave: derive::bytes(&format!("{}/mrenclave", self.seed)),
            mrsigner: derive::bytes(&format!("{}/mrsigner", self.seed)),
            isvprodid: 1,
            isvsvn: 2,
            report_data: [0; 64],
        };
        self.quote(3, 0, Body::Enclave(report), &qe("QE"))
    }

    fn quote(&self, version: u16, tee: u32, body: Body, qe: &QeIdentitySpec) -> Quote {
        let mut user_data = [0; 20];
        let id = derive::bytes::<16>(&format!("{}/qe-id", self.seed));
        user_data.iter_mut().zip(id).for_each(|(place, byte)| *place = byte);
        Quote {
            version,
            key_type: 2,
            tee,
            svns: [0; 4],
            qe_vendor: [0x93, 0x9A, 0x72, 0x33, 0xF7, 0x9C, 0x4C, 0xA9, 0x94, 0x0A, 0x0D, 0xB3, 0x95, 0x7F, 0x06, 0x07],
            user_data,
            body,
            descriptor: None,
            attestation_key: Key::p256(&format!("{}/attestation", self.seed)),
            signing_key: None,
            signature: None,
            qe_report: EnclaveReport {
                cpu_svn: self.platform.cpu_svn,
                miscselect: [0; 4],
                attributes: [0x15, 0, 0, 0, 0, 0, 0, 0, 0xE7, 0, 0, 0, 0, 0, 0, 0],
                mrenclave: derive::bytes(&format!("{}/qe", self.seed)),
                mrsigner: qe.mrsigner,
                isvprodid: qe.isvprodid,
                isvsvn: 8,
                report_data: [0; 64],
            },
            qe_report_data: None,
            qe_report_key: None,
            qe_auth_data: (0..32).collect(),
            chain: vec![self.root.clone(), self.platform_ca.clone(), self.pck()],
            outer_type: 6,
            inner_type: 5,
            certification_data: None,
            inner_tail: Vec::new(),
            outer_tail: Vec::new(),
            padding: Vec::new(),
            after: Vec::new(),
        }
    }

    /// The collateral of the platform for TDX. Untouched quotes are up to date under it.
    #[must_use]
    pub fn tdx_collateral(&self) -> Collateral {
        let intel = ModuleSpec { mrsigner: [0; 48], attributes: [0; 8] };
        let module_levels = vec![
            level(5, 0, "UpToDate", &[]),
            level(3, 1, "OutOfDate", &["INTEL-SA-00002"]),
            level(1, 2, "Revoked", &["INTEL-SA-00002", "INTEL-SA-00003"]),
        ];
        let tdx = [5, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let older = [3, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let mut info = self.tcb_info("TDX", Some([tdx, older, older]));
        info.module = Some(intel.clone());
        info.modules = vec![("TDX_01".to_owned(), intel, module_levels)];
        self.collateral(info, qe("TD_QE"))
    }

    /// The collateral of the platform for SGX.
    #[must_use]
    pub fn sgx_collateral(&self) -> Collateral {
        self.collateral(self.tcb_info("SGX", None), qe("QE"))
    }

    /// Three levels: PCE version 13 is up to date, 11 is not, and below component 08 of 5 all is revoked.
    fn tcb_info(&self, id: &str, tdx: Option<[[u8; 16]; 3]>) -> TcbInfoSpec {
        let sgx = [5, 5, 2, 2, 3, 1, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0];
        let weak = [5, 5, 2, 2, 3, 1, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0];
        let statuses = [
            (sgx, 13, "UpToDate", [].as_slice()),
            (sgx, 11, "OutOfDate", &["INTEL-SA-00001", "INTEL-SA-00002"]),
            (weak, 5, "Revoked", &["INTEL-SA-00001"]),
        ];
        let tdx = tdx.map_or([None; 3], |tdx| tdx.map(Some));
        let levels = statuses.into_iter().zip(tdx).zip(DATES).map(|(((sgx, pce_svn, status, open), tdx), date)| {
            let advisories = open.iter().map(|id| (*id).to_owned()).collect();
            TcbLevelSpec { sgx, pce_svn, tdx, date: date.to_owned(), status: status.to_owned(), advisories }
        });
        TcbInfoSpec {
            id: id.to_owned(),
            version: 3,
            issue_date: self.at - 10 * DAY,
            next_update: self.at + 20 * DAY,
            fmspc: self.platform.fmspc,
            pce_id: self.platform.pce_id,
            evaluation_data_number: 21,
            module: None,
            modules: Vec::new(),
            levels: levels.collect(),
        }
    }

    fn collateral(&self, tcb_info: TcbInfoSpec, qe: QeIdentitySpec) -> Collateral {
        let signing = DocumentSigning::by(vec![self.root.clone(), self.tcb_signing.clone()]);
        let (issue_date, next_update) = (self.at - 9 * DAY, self.at + 21 * DAY);
        Collateral {
            tcb_info,
            tcb_info_signing: signing.clone(),
            qe_identity: QeIdentitySpec { issue_date, next_update, ..qe },
            qe_identity_signing: signing,
            root_crl: Some(self.crl_of_root(&[])),
            pck_crl: Some(self.crl_of_platform_ca(&[])),
            pck_issuers: vec![self.root.clone(), self.platform_ca.clone()],
        }
    }

    /// The root's revocation list: a year long.
    #[must_use]
    pub fn crl_of_root(&self, revoked: &[&[u8]]) -> CrlSpec {
        let issued = self.at - 100 * DAY;
        CrlSpec { next_update: Some(issued + 379 * DAY), ..CrlSpec::issued_by(&self.root, issued, revoked) }
    }

    /// The revocation list of the CA that certifies platforms: 30 days long.
    #[must_use]
    pub fn crl_of_platform_ca(&self, revoked: &[&[u8]]) -> CrlSpec {
        let issued = self.at - 8 * DAY;
        CrlSpec { next_update: Some(issued + 30 * DAY), ..CrlSpec::issued_by(&self.platform_ca, issued, revoked) }
    }

    /// The root in DER.
    #[must_use]
    pub fn root_der(&self) -> Vec<u8> {
        self.root.self_issued()
    }

    /// The manifest of the root, TOML: what a verifier reads beside `simulated-intel-root.der`.
    #[must_use]
    pub fn root_manifest(&self) -> String {
        let id = format!("simulated-intel-{}", self.seed);
        let kinds = ["intel-tdx", "intel-sgx"];
        manifest::of_root(&id, "simulated-intel-root.der", &self.root, "intel", &kinds)
    }
}

/// A quoting enclave: up to date from version 8 on. When its identity is in force is its collateral's business.
fn qe(id: &str) -> QeIdentitySpec {
    let levels = vec![
        level(8, 0, "UpToDate", &[]),
        level(6, 1, "OutOfDate", &["INTEL-SA-00004"]),
        level(4, 2, "Revoked", &["INTEL-SA-00004"]),
    ];
    QeIdentitySpec {
        id: id.to_owned(),
        version: 2,
        issue_date: 0,
        next_update: 0,
        evaluation_data_number: 21,
        mrsigner: derive::bytes(&format!("{id}/mrsigner")),
        isvprodid: if id == "QE" { 1 } else { 2 },
        levels,
    }
}

fn level(isvsvn: u16, date: usize, status: &str, open: &[&str]) -> SvnLevelSpec {
    SvnLevelSpec {
        isvsvn,
        date: DATES.get(date).copied().unwrap_or_default().to_owned(),
        status: status.to_owned(),
        advisories: open.iter().map(|id| (*id).to_owned()).collect(),
    }
}

/// A certificate of Intel's, whose name differs from others in the common name alone.
fn certificate(seed: &str, common_name: &str, not_before: i64, not_after: i64) -> CertificateSpec {
    let label = format!("{seed}/{common_name}");
    let subject = Name::new(&[
        (oid::COMMON_NAME, common_name),
        (oid::ORGANIZATION, "Intel Corporation"),
        (oid::LOCALITY, "Santa Clara"),
        (oid::STATE, "CA"),
        (oid::COUNTRY, "US"),
    ]);
    CertificateSpec::new(subject, Key::p256(&label), derive::serial::<20>(&label), not_before, not_after)
}

fn leaf_extensions(crl: &str) -> Vec<Extension> {
    vec![
        Extension::authority_key_identifier(),
        Extension::crl_distribution_point(crl),
        Extension::subject_key_identifier(),
        Extension::key_usage(&[DigitalSignature, ContentCommitment]),
        Extension::basic_constraints(false, None),
    ]
}
