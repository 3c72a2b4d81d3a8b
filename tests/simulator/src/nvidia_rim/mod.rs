//! NVIDIA's reference values: whoever signs RIMs, and the RIMs.
//!
//! In: a seed and a time; out: an [`Authority`], its certificates, and [`RimSpec`]s that are signed as NVIDIA signs. Field by
//! field they can be changed before; the XML is text, which a test edits after.

mod document;

use sha2::{Digest, Sha256, Sha384};

use self::document::{Node, canonical, element, text, written};
use crate::{
    base64::base64,
    derive,
    key::Key,
    manifest,
    ocsp::ResponseSpec,
    x509::{
        CertificateSpec, Extension,
        KeyUsage::{CrlSign, DigitalSignature, KeyCertSign},
        Name, oid,
    },
};

const DAY: i64 = 24 * 3600;
/// 2023-03-16T15:37:34Z and 2053-03-08T15:37:34Z.
const ROOT_NOT_BEFORE: i64 = 1_678_981_054;
const ROOT_NOT_AFTER: i64 = 2_625_061_054;
/// The name .invalid never resolves (RFC 6761).
const LIST: &str = "http://crl.simulated-nvidia.invalid/crl-corim/l1-corim";

const SWID: &str = "http://standards.iso.org/iso/19770/-2/2015/schema.xsd";
const SHA384: &str = "http://www.w3.org/2001/04/xmlenc#sha384";
const TCG: &str = "https://trustedcomputinggroup.org/resource/tcg-reference-integrity-manifest-rim-information-model/";
const OPAQUE_DATA: &str = "https://docs.nvidia.com/attestation/specs/latest/opaque-data.html";

/// Whoever signs RIMs. Two with the same seed and time share everything.
#[derive(Clone, Debug)]
pub struct Authority {
    /// The root.
    pub root: CertificateSpec,
    /// The CA of a product.
    pub product_ca: CertificateSpec,
    /// The CA of signers.
    pub signer_ca: CertificateSpec,
    /// The signer.
    pub signer: CertificateSpec,
}

impl Authority {
    /// An authority whose signer's certificate began a year before `at`, in seconds since the Unix epoch, and ends a year
    /// after.
    #[must_use]
    pub fn new(seed: &str, at: i64) -> Self {
        let ca = |name: &str, path_len, not_before, not_after, with_list: bool| {
            let mut extensions =
                vec![Extension::basic_constraints(true, path_len), Extension::key_usage(&[KeyCertSign, CrlSign])];
            extensions.extend(with_list.then(|| Extension::crl_distribution_point(LIST)));
            extensions.extend([Extension::subject_key_identifier(), Extension::authority_key_identifier()]);
            CertificateSpec { extensions, ..certificate(seed, name, not_before, not_after) }
        };
        let signer = CertificateSpec {
            extensions: vec![
                Extension::subject_key_identifier(),
                Extension::authority_key_identifier(),
                Extension::basic_constraints(false, None),
                Extension::key_usage(&[DigitalSignature]),
            ],
            ..certificate(seed, "HCC RIM L4 Signer", at - 365 * DAY, at + 365 * DAY)
        };
        Self {
            root: ca("NVIDIA CoRIM signing Root CA", None, ROOT_NOT_BEFORE, ROOT_NOT_AFTER, false),
            product_ca: ca("NVIDIA Reference Value GH100 CA", None, at - 1000 * DAY, at + 2600 * DAY, true),
            signer_ca: ca("NVIDIA Reference Value L3 GH100 001", Some(0), at - 700 * DAY, at + 580 * DAY, false),
            signer,
        }
    }

    /// The root in DER.
    #[must_use]
    pub fn root_der(&self) -> Vec<u8> {
        self.root.self_issued()
    }

    /// The manifest entry of the root, which stands in `simulated-nvidia-rim-root.der`.
    #[must_use]
    pub fn root_manifest(&self) -> String {
        let kinds = ["nvidia-gpu", "nvidia-switch"];
        let entry =
            manifest::of_root("simulated-nvidia-rim", "simulated-nvidia-rim-root.der", &self.root, "nvidia", &kinds);
        format!("{entry}purpose = \"reference-values\"\n")
    }

    /// The certificates as a RIM has them: the signer's first, the root last.
    #[must_use]
    pub fn chain(&self) -> Vec<Vec<u8>> {
        vec![
            self.signer.issued_by(&self.signer_ca),
            self.signer_ca.issued_by(&self.product_ca),
            self.product_ca.issued_by(&self.root),
            self.root_der(),
        ]
    }

    /// Each certificate below the root with its issuer, the signer first.
    #[must_use]
    pub fn links(&self) -> [(&CertificateSpec, &CertificateSpec); 3] {
        [(&self.signer, &self.signer_ca), (&self.signer_ca, &self.product_ca), (&self.product_ca, &self.root)]
    }

    /// What NVIDIA's responder says of each of them at `at`: good. The signer's comes first.
    #[must_use]
    pub fn statuses(&self, at: i64) -> [ResponseSpec; 3] {
        self.links().map(|(certificate, issuer)| ResponseSpec::good(certificate, issuer, at))
    }

    /// The RIM of a driver, signed by this authority's signer: every measurement inactive.
    #[must_use]
    pub fn driver(&self, product: &str, version: &str) -> RimSpec {
        self.rim("GPU", product, version, 64)
    }

    /// The same of a VBIOS.
    #[must_use]
    pub fn vbios(&self, product: &str, version: &str) -> RimSpec {
        self.rim("GPU", product, version, 64)
    }

    /// The same of a switch's BIOS.
    #[must_use]
    pub fn switch_bios(&self, product: &str, version: &str) -> RimSpec {
        self.rim("SWITCH", product, version, 64)
    }

    fn rim(&self, edition: &str, product: &str, version: &str, count: u32) -> RimSpec {
        let tag_id = hex::encode(Sha384::digest(format!("{edition}/{product}/{version}")));
        RimSpec {
            tag_id,
            edition: edition.to_owned(),
            product: product.to_owned(),
            version: version.to_owned(),
            manufacturer_id: "5703".to_owned(),
            records: (0..count).map(Record::inactive).collect(),
            key: self.signer.key.clone(),
            certificates: self.chain(),
        }
    }
}

fn certificate(seed: &str, common_name: &str, not_before: i64, not_after: i64) -> CertificateSpec {
    let label = format!("{seed}/nvidia-rim/{common_name}");
    let subject =
        Name::new(&[(oid::COMMON_NAME, common_name), (oid::ORGANIZATION, "NVIDIA Corporation"), (oid::COUNTRY, "US")]);
    let serial = derive::serial::<16>(&label);
    CertificateSpec::new(subject, Key::p384(&label), serial, not_before, not_after)
}

/// A record of a payload.
#[derive(Clone, Debug)]
pub struct Record {
    /// Its index.
    pub index: u32,
    /// Whether it counts.
    pub active: bool,
    /// The values of a measurement.
    pub values: Vec<[u8; 48]>,
    /// The least version of something in the opaque data.
    pub min_svn: Option<u64>,
}

impl Record {
    /// A measurement that does not count.
    #[must_use]
    pub fn inactive(index: u32) -> Self {
        Self { index, active: false, values: vec![[0; 48]], min_svn: None }
    }

    /// A measurement that counts.
    #[must_use]
    pub fn golden(index: u32, values: Vec<[u8; 48]>) -> Self {
        Self { index, active: true, values, min_svn: None }
    }

    /// The least version of an entry of the opaque data.
    #[must_use]
    pub fn floor(type_id: u16, min_svn: u64) -> Self {
        Self { index: 0x1000 + u32::from(type_id), active: true, values: Vec::new(), min_svn: Some(min_svn) }
    }

    fn node(&self) -> Node {
        let mut attributes = vec![
            ("type", "Measurement".to_owned()),
            ("index", self.index.to_string()),
            ("active", if self.active { "True" } else { "False" }.to_owned()),
        ];
        let hashes: Vec<_> = (0..self.values.len()).map(|place| format!("ns2:Hash{place}")).collect();
        let name = format!("Measurement_{}", self.index);
        match self.min_svn {
            None => {
                attributes.push(("alternatives", self.values.len().to_string()));
                let values = self.values.iter().map(hex::encode);
                attributes.extend(hashes.iter().map(String::as_str).zip(values));
                attributes.extend([("name", name), ("size", "48".to_owned())]);
            }
            Some(min_svn) => attributes.extend([
                ("name", name),
                ("ns3:minSvn", min_svn.to_string()),
                ("ns3:includeInResult", "True".to_owned()),
            ]),
        }
        element("ns0:Resource", attributes, Vec::new())
    }
}

/// A RIM before it is signed.
#[derive(Clone, Debug)]
pub struct RimSpec {
    /// The tag id.
    pub tag_id: String,
    /// `GPU` or `SWITCH`.
    pub edition: String,
    /// The product.
    pub product: String,
    /// The colloquial version.
    pub version: String,
    /// The firmware's manufacturer.
    pub manufacturer_id: String,
    /// The records.
    pub records: Vec<Record>,
    /// Who signs.
    pub key: Key,
    /// The certificates that it brings, the signer's first.
    pub certificates: Vec<Vec<u8>>,
}

impl RimSpec {
    /// Puts a record where one of its index stands, or at the end.
    #[must_use]
    pub fn with(mut self, record: Record) -> Self {
        match self.records.iter_mut().find(|known| known.index == record.index) {
            Some(known) => *known = record,
            None => self.records.push(record),
        }
        self
    }

    /// The document without its signature: its attributes in the order in which NVIDIA writes them, and its children.
    fn document(&self, signature: Option<Node>) -> Node {
        let has_floors = self.records.iter().any(|record| record.min_svn.is_some());
        let mut declarations =
            vec![("xmlns", SWID.to_owned()), ("xmlns:ns0", SWID.to_owned()), ("xmlns:ns2", SHA384.to_owned())];
        declarations.extend(has_floors.then(|| ("xmlns:ns3", OPAQUE_DATA.to_owned())));
        let own = |value: &str| value.to_owned();
        declarations.extend([
            ("corpus", own("false")),
            ("name", self.product.clone()),
            ("patch", own("false")),
            ("supplemental", own("false")),
            ("tagId", self.tag_id.clone()),
            ("version", own("1.0")),
            ("tagVersion", own("0")),
        ]);
        let entity = vec![("name", own("NVIDIA Corporation")), ("role", own("softwareCreator tagCreator"))];
        let meta = vec![
            ("xmlns:ns1", own(TCG)),
            ("colloquialVersion", self.version.clone()),
            ("edition", self.edition.clone()),
            ("product", self.product.clone()),
            ("revision", own("r1")),
            ("PayloadType", own("direct")),
            ("ns1:BindingSpec", own("RIMIM")),
            ("ns1:PlatformManufacturerStr", own("NVIDIA Corporation")),
            ("ns1:PlatformModel", self.product.clone()),
            ("ns1:FirmwareManufacturerId", self.manufacturer_id.clone()),
        ];
        let mut records = Vec::new();
        for record in &self.records {
            records.extend([text("\n        "), record.node()]);
        }
        records.push(text("\n    "));
        let mut children = vec![
            text("\n    "),
            element("ns0:Entity", entity, Vec::new()),
            text("\n    "),
            element("ns0:Meta", meta, Vec::new()),
            text("\n    "),
            element("ns0:Payload", vec![("xmlns:SHA384", own(SHA384))], records),
            text("\n"),
        ];
        children.extend(signature);
        element("SoftwareIdentity", declarations, children)
    }

    /// The XML.
    #[must_use]
    pub fn build(&self) -> String {
        let has_floors = self.records.iter().any(|record| record.min_svn.is_some());
        let digest = base64(&Sha384::digest(canonical(&self.document(None))));
        // What is declared above stands in the canonical form of a part, in the order of the prefixes.
        let ns3 = if has_floors { format!(" xmlns:ns3=\"{OPAQUE_DATA}\"") } else { String::new() };
        let inherited =
            format!(" xmlns=\"{SWID}\" xmlns:ds=\"{DSIG}\" xmlns:ns0=\"{SWID}\" xmlns:ns2=\"{SHA384}\"{ns3}");
        let info = |declared: &str, end: fn(&str) -> String| {
            let algorithm = |name: &str, uri: &str| format!("<ds:{name} Algorithm=\"{uri}\"{}", end(name));
            [
                format!("<ds:SignedInfo{declared}>"),
                algorithm("CanonicalizationMethod", C14N),
                algorithm("SignatureMethod", "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384"),
                "<ds:Reference URI=\"\"><ds:Transforms>".to_owned(),
                algorithm("Transform", "http://www.w3.org/2000/09/xmldsig#enveloped-signature"),
                algorithm("Transform", C14N),
                "</ds:Transforms>".to_owned(),
                algorithm("DigestMethod", "http://www.w3.org/2001/04/xmldsig-more#sha384"),
                format!("<ds:DigestValue>{digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>"),
            ]
            .concat()
        };
        let signed = self.key.sign(info(&inherited, |name| format!("></ds:{name}>")).as_bytes()).fixed();
        let certificates: String = self
            .certificates
            .iter()
            .map(|der| format!("<ds:X509Certificate>{}\n</ds:X509Certificate>", in_lines(&base64(der))))
            .collect();
        let signature = format!(
            "<ds:Signature xmlns:ds=\"{DSIG}\">{}<ds:SignatureValue>{}</ds:SignatureValue><ds:KeyInfo><ds:X509Data>\
             {certificates}</ds:X509Data></ds:KeyInfo></ds:Signature>",
            info("", |_| "/>".to_owned()),
            in_lines(&base64(&signed)),
        );
        format!("{}\n", written(&self.document(Some(Node::Raw(signature)))))
    }

    /// What NVIDIA's service answers to a question for that id.
    #[must_use]
    pub fn answer(&self, id: &str) -> String {
        let rim = self.build();
        let sha256 = hex::encode(Sha256::digest(&rim));
        format!(
            r#"{{"id":"{id}","rim":"{}","sha256":"{sha256}","last_updated":"2026-05-20T22:02:51.000000","rim_format":"TCG","request_id":"54922519-b87e-4057-b323-33b9a2bb9743"}}"#,
            base64(rim.as_bytes())
        )
    }
}

const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
const C14N: &str = "http://www.w3.org/2006/12/xml-c14n11";

fn in_lines(base64: &str) -> String {
    let lines: Vec<_> = base64.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    lines.join("\n")
}
