//! Evidence, endorsements, roots, and the small texts of the result crate.

use prooftrail_evidence::{
    AmdKey, AmdProduct, AwsLc, Context, Endorsements, Expected, IntelCa, NoIssuers, OcspResponse, Revocation, Rim, Tee,
    Wanted, admit, authenticate, certificate_der, identify, wanted,
};
use prooftrail_result::{Kind, Timestamp, TrustAnchor, claims::ClaimName};
use prooftrail_trust_roots::RootSet;

/// An enclave document, with itself as the only surroundings.
pub(crate) fn nitro_enclave(bytes: &[u8]) {
    appraise(Kind::AwsNitro, bytes);
}

/// A NitroTPM document.
pub(crate) fn nitro_tpm(bytes: &[u8]) {
    appraise(Kind::AwsNitroTpm, bytes);
}

/// A quote of a trust domain, with genuine collateral.
pub(crate) fn intel_tdx(bytes: &[u8]) {
    quote(Kind::IntelTdx, bytes, TDX_COLLATERAL);
}

/// A quote of an enclave, with genuine collateral.
pub(crate) fn intel_sgx(bytes: &[u8]) {
    quote(Kind::IntelSgx, bytes, SGX_COLLATERAL);
}

/// Intel's collateral, for a genuine quote.
pub(crate) fn intel_collateral(bytes: &[u8]) {
    quote(Kind::IntelTdx, TDX_QUOTE, bytes);
}

/// A report of SEV-SNP, perhaps with its table of certificates; AMD's certificates are at hand besides.
pub(crate) fn snp_report(bytes: &[u8]) {
    let at = Timestamp::from_unix_seconds(1_704_067_200).unwrap_or(Timestamp::MAX);
    let (roots, known) = (RootSet::pinned(), Endorsements::read(&AwsLc, [MILAN_VCEK, MILAN_ASK]));
    for endorsements in [known.unwrap_or_default(), Endorsements::default()] {
        judge(Kind::AmdSevSnp, bytes, &roots, &endorsements, at);
        let _ = wanted(Kind::AmdSevSnp, bytes, &endorsements, Some(AmdProduct::Milan), &AwsLc);
    }
}

/// Evidence of an Azure machine on SEV-SNP, or a TPM quote for a genuine report of the paravisor; AMD's certificates are at
/// hand.
pub(crate) fn azure_snp_vtpm(bytes: &[u8]) {
    let at = Timestamp::from_unix_seconds(1_704_067_200).unwrap_or(Timestamp::MAX);
    for (evidence, quote) in [(bytes, None), (HCL_REPORT, Some(bytes))] {
        let files = [AZURE_CERTIFICATES].into_iter().chain(quote);
        let Ok(endorsements) = Endorsements::read(&AwsLc, files) else { continue };
        judge(Kind::AzureSnpVtpm, evidence, &RootSet::pinned(), &endorsements, at);
    }
}

/// Evidence of an Azure machine on TDX, with genuine collateral.
pub(crate) fn azure_tdx_vtpm(bytes: &[u8]) {
    quote(Kind::AzureTdxVtpm, bytes, TDX_COLLATERAL);
}

/// One of Google's endorsements of firmware, beside a genuine report whose measurement the corpus's one lists.
pub(crate) fn gce_firmware(bytes: &[u8]) {
    let at = Timestamp::from_unix_seconds(1_704_067_200).unwrap_or(Timestamp::MAX);
    let Ok(endorsements) = Endorsements::read(&AwsLc, [MILAN_VCEK, MILAN_ASK, bytes]) else { return };
    let mut roots = RootSet::pinned();
    let google =
        RootSet::from_manifest(GCE_ROOT_MANIFEST, TrustAnchor::Configured, |_| Ok::<_, &str>(GCE_ROOT.to_vec()));
    roots.extend(google.unwrap_or_default());
    judge(Kind::AmdSevSnp, MILAN_REPORT, &roots, &endorsements, at);
}

/// Reports of GPUs, with the certificates and the reference values of a genuine one.
pub(crate) fn nvidia_gpu(bytes: &[u8]) {
    device(Kind::NvidiaGpu, bytes);
}

/// Reports of switches.
pub(crate) fn nvidia_switch(bytes: &[u8]) {
    device(Kind::NvidiaSwitch, bytes);
}

/// An endorsement of any type.
pub(crate) fn endorsement(bytes: &[u8]) {
    let _ = Endorsements::read(&AwsLc, [bytes]);
    // A vendor's answer to each question.
    let (product, roots) = (AmdProduct::Milan, RootSet::pinned());
    let at = Timestamp::from_unix_seconds(1_751_328_000).unwrap_or(Timestamp::MAX);
    for wanted in [
        Wanted::AmdCaChain { product, key: AmdKey::Vcek },
        Wanted::AmdCrl { product, key: AmdKey::Vcek },
        Wanted::IntelTcbInfo { tee: Tee::Tdx, fmspc: [0xB0, 0xC0, 0x6F, 0, 0, 0] },
        Wanted::IntelQeIdentity { tee: Tee::Tdx },
        Wanted::IntelPckCrl { ca: IntelCa::Platform },
        Wanted::IntelRootCrl,
    ] {
        let _ = admit(&wanted, &[bytes.into()], &[bytes.into()], &roots, &AwsLc, at);
    }
}

/// A RIM, or the answer of NVIDIA's service that has one; among genuine chains, and at the time of genuine ones.
pub(crate) fn nvidia_rim(bytes: &[u8]) {
    let Ok(rim) = Rim::read(&AwsLc, bytes) else { return };
    let context = Context {
        crypto: &AwsLc,
        roots: &RootSet::pinned(),
        endorsements: &Endorsements::default(),
        issuers: &NoIssuers,
        revocation: Revocation::default(),
        at: Timestamp::from_unix_seconds(1_717_200_000).unwrap_or(Timestamp::MAX),
        expected: Expected::default(),
    };
    let _ = rim.verify(&context);
}

/// An answer of a responder, for the certificates that it brings and for none.
pub(crate) fn ocsp_response(bytes: &[u8]) {
    if let Ok(response) = OcspResponse::read(&AwsLc, bytes) {
        assert!(OcspResponse::is_one(bytes), "what can be read is known for what it is");
        let _ = response.nonce();
    }
    let status =
        Wanted::NvidiaStatus { issuer_name: Box::new([0; 48]), issuer_key: Box::new([0; 48]), serial: Box::new([1]) };
    let at = Timestamp::from_unix_seconds(1_751_328_000).unwrap_or(Timestamp::MAX);
    let _ = admit(&status, &[bytes.into()], &[], &RootSet::pinned(), &AwsLc, at);
}

/// A root certificate or a manifest that names it.
pub(crate) fn root(bytes: &[u8]) {
    let _ = certificate_der(bytes);
    let _ = identify(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = RootSet::from_manifest(text, TrustAnchor::Configured, |_| Ok::<_, &str>(bytes.to_vec()));
    }
}

/// Small texts: claim names, times, names of what is wanted.
pub(crate) fn text(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        if let Ok(name) = text.parse::<ClaimName>() {
            assert_eq!(name.to_string(), text);
        }
        if let Ok(name) = text.parse::<Wanted>() {
            assert_eq!(name.to_string(), text);
        }
        if let Ok(instant) = text.parse::<Timestamp>() {
            assert_eq!(instant.to_rfc3339_millis().parse(), Ok(instant));
        }
    }
}

/// Authenticates against the bundle's own first certificate as well as the pinned root, so that the chain engine is
/// reached by what the fuzzer invents.
fn appraise(kind: Kind, bytes: &[u8]) {
    let at = Timestamp::from_unix_seconds(1_736_179_630).unwrap_or(Timestamp::MAX);
    let endorsements = Endorsements::default();
    let mock = RootSet::from_certificate(MOCK_ROOT.to_vec());
    for roots in [RootSet::pinned(), mock] {
        judge(kind, bytes, &roots, &endorsements, at);
    }
}

/// Authenticates cold, expecting nothing: whatever comes out, it must come out.
pub(crate) fn judge(kind: Kind, bytes: &[u8], roots: &RootSet, endorsements: &Endorsements, at: Timestamp) {
    let context = Context {
        crypto: &AwsLc,
        roots,
        endorsements,
        issuers: &NoIssuers,
        revocation: Revocation::default(),
        at,
        expected: Expected::default(),
    };
    let _ = authenticate(kind, bytes, &context);
}

/// Authenticates a quote at the time of the genuine ones in the corpus.
fn quote(kind: Kind, bytes: &[u8], collateral: &[u8]) {
    let Ok(endorsements) = Endorsements::read(&AwsLc, [collateral]) else { return };
    let at = Timestamp::from_unix_seconds(1_751_328_000).unwrap_or(Timestamp::MAX);
    judge(kind, bytes, &RootSet::pinned(), &endorsements, at);
    let _ = wanted(kind, bytes, &endorsements, None, &AwsLc);
}

/// Authenticates reports of devices at the time of the genuine ones in the corpus.
fn device(kind: Kind, bytes: &[u8]) {
    let Ok(endorsements) = Endorsements::read(&AwsLc, [GPU_CHAIN]) else { return };
    let at = Timestamp::from_unix_seconds(1_717_200_000).unwrap_or(Timestamp::MAX);
    judge(kind, bytes, &RootSet::pinned(), &endorsements, at);
}

const GPU_CHAIN: &[u8] = include_bytes!("../../vectors/nvgpu/gpu/h100_545.00.chain.pem");

const TDX_QUOTE: &[u8] = include_bytes!("../../vectors/tdx/quotes/tdx-v4-phala-b0c06f.bin");
const TDX_COLLATERAL: &[u8] = include_bytes!("../../vectors/tdx/collateral/dq-tdx_quote.json");
const SGX_COLLATERAL: &[u8] = include_bytes!("../../vectors/tdx/collateral/dq-sgx_quote.json");

/// A genuine report in the corpus, and its certificates.
const MILAN_REPORT: &[u8] = include_bytes!("../../vectors/snp/milan/sev_v2_report.bin");
const MILAN_VCEK: &[u8] = include_bytes!("../../vectors/snp/milan/sev_v2_vcek.der");
const MILAN_ASK: &[u8] = include_bytes!("../../vectors/snp/roots/ask_milan.pem");

/// The root of the corpus's endorsement of firmware, a simulator's.
const GCE_ROOT: &[u8] = include_bytes!("../../../fuzz/corpus/gce_firmware/root");
const GCE_ROOT_MANIFEST: &str = include_str!("../../../fuzz/corpus/gce_firmware/root_manifest");

/// A genuine report of Azure's paravisor, and a VCEK with AMD's certificates, of another chip.
const HCL_REPORT: &[u8] = include_bytes!("../../vectors/snp/azure/azcvm_hcl-report-snp.bin");
const AZURE_CERTIFICATES: &[u8] = include_bytes!("../../vectors/snp/azure/azcvm_certs.pem");

/// The root of the mock documents in the corpus.
const MOCK_ROOT: &[u8] = include_bytes!("../../vectors/nitro/mock/mock-root.der");
