//! Azure's confidential virtual machines: a TPM quote that the hardware vouches for (`azure-snp-vtpm`, `azure-tdx-vtpm`).
//!
//! In: the paravisor's report with a TPM quote, and the endorsements of the hardware. Out: authentic claims. The guest does
//! not see the hardware: Microsoft's paravisor runs below it, holds the virtual TPM, and puts the hash of its runtime data,
//! which name the TPM's attestation key, into the hardware's report. So the order of the checks is the chain of trust: the
//! hardware's report, by the very code that verifies it alone → runtime data → attestation key → quote → registers → what the
//! caller expects. Parsing stands in [`envelope`], [`hcl_report`], [`runtime_data`] and [`quote`].

mod attestation_key;
mod claims;
mod envelope;
mod event_log;
mod hcl_report;
mod quote;
mod runtime_data;

use std::{borrow::Cow, marker::PhantomData, sync::Arc};

use prooftrail_result::{
    EvidenceId, Kind, Reason, ReasonCode, Timestamp,
    claims::{Claims, Value, azure_vtpm, cross_vendor, snp, tdx},
};

use self::{
    envelope::{Envelope, MAX_EVIDENCE_BYTES},
    hcl_report::{HashType, HclReport},
    quote::Quote,
    runtime_data::RuntimeData,
};
use crate::{
    authentic::{Authentic, InputDigest, check},
    checks::Checks,
    context::{Context, Expected},
    crypto::Crypto,
    expected,
    format::Format,
    hardware::HardwareReport,
    intel::TdxQuote,
    snp::SevSnp,
};

pub(crate) use self::{attestation_key::AttestationKey, envelope::is_quote, event_log::PcrLog};

/// `azure-snp-vtpm`.
pub type AzureSnpVtpm = AzureVtpm<SnpMachine>;

/// `azure-tdx-vtpm`.
pub type AzureTdxVtpm = AzureVtpm<TdxMachine>;

/// Evidence of one of the two kinds of machines.
#[derive(Clone, Copy, Debug)]
pub struct AzureVtpm<M>(PhantomData<M>);

/// A virtual machine on AMD SEV-SNP.
#[derive(Clone, Copy, Debug)]
pub struct SnpMachine;

/// A virtual machine on Intel TDX.
#[derive(Clone, Copy, Debug)]
pub struct TdxMachine;

/// What differs between the two.
pub trait Machine {
    /// The kind that selects it.
    const KIND: Kind;
    /// Its number in the paravisor's report.
    const REPORT_TYPE: u32;
    /// The hardware's own evidence.
    type Hardware: HardwareReport;

    /// Where the hardware's evidence stands: in the paravisor's report, or beside it.
    ///
    /// # Errors
    /// A reason of stage `parse`, where a part is missing or belongs to the other kind.
    fn hardware(in_report: &[u8], td_quote: Option<Vec<u8>>, has_vcek: bool) -> Result<Vec<u8>, Reason>;

    /// Whether the hardware says that the most privileged software of the machine, the paravisor, asked for the report.
    fn is_of_paravisor(claims: &Claims) -> bool;
}

impl Machine for SnpMachine {
    const KIND: Kind = Kind::AzureSnpVtpm;
    const REPORT_TYPE: u32 = 2;
    type Hardware = SevSnp;

    fn hardware(in_report: &[u8], td_quote: Option<Vec<u8>>, _: bool) -> Result<Vec<u8>, Reason> {
        if td_quote.is_some() {
            return Err(Reason::new(ReasonCode::AzureEnvelope, "evidence of SEV-SNP has no td_quote"));
        }
        Ok(in_report.to_vec())
    }

    fn is_of_paravisor(claims: &Claims) -> bool {
        // A report that the host asked for has no level.
        claims.get(snp::VMPL) == Some(&Value::Int(0))
    }
}

impl Machine for TdxMachine {
    const KIND: Kind = Kind::AzureTdxVtpm;
    const REPORT_TYPE: u32 = 4;
    type Hardware = TdxQuote;

    fn hardware(_: &[u8], td_quote: Option<Vec<u8>>, has_vcek: bool) -> Result<Vec<u8>, Reason> {
        // The TDREPORT in the paravisor's report can be verified on its own machine only; the quote stands for it.
        td_quote.filter(|_| !has_vcek).ok_or_else(|| {
            Reason::new(ReasonCode::AzureEnvelope, "evidence of TDX is JSON with a td_quote, and without a vcek")
        })
    }

    fn is_of_paravisor(claims: &Claims) -> bool {
        // Quotes of partitioned domains say which virtual machine asked; the first is the one that holds the others.
        claims.get(tdx::VMID).is_none_or(|vmid| *vmid == Value::Int(0))
    }
}

/// Evidence that has the format.
#[derive(Debug)]
pub struct AzureEvidence {
    /// The hardware's evidence: a report of SEV-SNP, or a quote of TDX.
    hardware: Vec<u8>,
    /// How many of these the hardware signed; they are the first ones.
    hardware_signed: usize,
    /// What the paravisor had the hardware sign.
    report_data: [u8; 64],
    hcl_version: u32,
    hash: HashType,
    /// The runtime data, verbatim, and what they say.
    runtime_bytes: Vec<u8>,
    runtime_data: RuntimeData,
    /// The quote that came with the report.
    quote: Option<Quote>,
    /// The certificate of the chip's key that came with the report.
    vcek: Option<Vec<u8>>,
}

/// A TPM quote that was supplied as an endorsement.
#[derive(Debug)]
pub(crate) struct EndorsedQuote {
    quote: Quote,
    /// SHA-256 of the file.
    sha256: [u8; 32],
}

impl EndorsedQuote {
    /// Reads a file for which [`is_quote`] holds.
    pub(crate) fn read(crypto: &dyn Crypto, file: &[u8]) -> Result<Self, Reason> {
        let quote = Quote::parse(envelope::read_quote(file)?)?;
        Ok(Self { quote, sha256: crypto.sha256(&[file]) })
    }
}

impl<M: Machine> Format for AzureVtpm<M> {
    const KIND: Kind = M::KIND;
    const MAX_BYTES: usize = MAX_EVIDENCE_BYTES;
    type Document<'a> = AzureEvidence;

    fn parse(bytes: &[u8]) -> Result<AzureEvidence, Reason> {
        let Envelope { hcl_report, quote, vcek, td_quote } = Envelope::open(bytes)?;
        let report = HclReport::parse(&hcl_report)?;
        if report.report_type != M::REPORT_TYPE {
            return Err(Reason::from(ReasonCode::AzureReportKind)
                .have(format_args!("report type {}", report.report_type))
                .need(format_args!("report type {}", M::REPORT_TYPE)));
        }
        let hardware = M::hardware(report.hardware, td_quote, vcek.is_some())?;
        let (hardware_signed, report_data) = {
            let document = parse_hardware::<M::Hardware>(&hardware)?;
            (M::Hardware::signed(&document).len(), *M::Hardware::report_data(&document))
        };
        Ok(AzureEvidence {
            hardware_signed,
            report_data,
            hcl_version: report.version,
            hash: report.hash,
            runtime_bytes: report.runtime_data.to_vec(),
            runtime_data: RuntimeData::parse(report.runtime_data)?,
            quote: quote.map(Quote::parse).transpose()?,
            vcek,
            hardware,
        })
    }

    fn signed_sha384(evidence: &AzureEvidence, context: &Context<'_>) -> [u8; 48] {
        // The first part says itself where it ends, and covers the runtime data by their hash.
        let quote = evidence.quote(context).map_or(&[][..], |found| &found.quote.message);
        context.crypto.sha384(&[evidence.hardware_signed(), quote])
    }

    fn claimed_time(_: &AzureEvidence) -> Option<Timestamp> {
        None
    }

    fn authenticate(
        evidence: AzureEvidence,
        id: EvidenceId,
        context: &Context<'_>,
        checks: &mut Checks,
    ) -> Result<Authentic, Reason> {
        authenticate::<M>(&evidence, id, context, checks)
    }
}

/// The checks, in order. Each consumes what the one before it established.
fn authenticate<M: Machine>(
    evidence: &AzureEvidence,
    evidence_id: EvidenceId,
    context: &Context<'_>,
    checks: &mut Checks,
) -> Result<Authentic, Reason> {
    let mut authentic = vouch::<M::Hardware>(evidence, context, checks)?;
    checks.run(check::RUNTIME_DATA, || {
        if !M::is_of_paravisor(&authentic.claims) {
            return Err(ReasonCode::AzurePrivilegeLevel.into());
        }
        evidence.check_report_data(context.crypto)
    })?;
    let found = checks.run(check::QUOTE_SIGNATURE, || {
        let found = evidence.quote(context).ok_or(ReasonCode::TpmQuoteMissing)?;
        found.quote.verify(&evidence.runtime_data.attestation_key, context.crypto)?;
        Ok(found)
    })?;
    let Found { quote, endorsement } = found;
    let registers = checks.run(check::PCRS, || quote.registers(context.crypto))?;
    let bound = expected::in_qualifying_data(&quote.extra_data, context.expected, checks)?;

    claims::claim(&mut authentic.claims, evidence, quote, &registers, context.crypto);
    if context.expected.binding.is_none() && !quote.extra_data.is_empty() {
        authentic.claims.insert(cross_vendor::NONCE, quote.extra_data.as_slice());
    }
    bound.claim(&mut authentic.claims);
    let links = evidence.runtime_data.attestation_key.links(&authentic.claims, tdx::MRTD, context.crypto);
    authentic.links.extend(links);
    authentic.inputs.extend(endorsement.map(|sha256| InputDigest { role: "tpm_quote", sha256 }));
    let mut logs = context.endorsements.pcr_logs().peekable();
    if logs.peek().is_some() {
        let matching = logs.find(|log| log.matches(&registers));
        authentic.claims.insert(azure_vtpm::EVENT_LOG_MATCHES, matching.is_some());
        authentic.inputs.extend(matching.map(|log| InputDigest { role: "event_log", sha256: log.sha256 }));
    }
    Ok(Authentic { evidence_id, ..authentic })
}

/// Authenticates the hardware's own evidence, with the certificate that came with it among the endorsements.
fn vouch<H: HardwareReport>(
    evidence: &AzureEvidence,
    context: &Context<'_>,
    checks: &mut Checks,
) -> Result<Authentic, Reason> {
    let document = parse_hardware::<H>(&evidence.hardware)?;
    let id = EvidenceId { kind: H::KIND, signed_sha384: context.crypto.sha384(&[evidence.hardware_signed()]) };
    let endorsements = match &evidence.vcek {
        Some(vcek) => Cow::Owned(context.endorsements.clone().with(context.crypto, [vcek.as_slice()])?),
        None => Cow::Borrowed(context.endorsements),
    };
    // What the caller expects stands in the TPM quote, not in the hardware's report.
    let context = Context { endorsements: &endorsements, expected: Expected::default(), ..*context };
    H::vouch(&document, id, &context, checks)
}

fn parse_hardware<H: HardwareReport>(bytes: &[u8]) -> Result<H::Document<'_>, Reason> {
    if bytes.len() > H::MAX_BYTES {
        return Err(Reason::from(ReasonCode::EvidenceTooLarge)
            .have(format_args!("{} bytes of {}", bytes.len(), H::KIND))
            .need(format_args!("at most {} bytes", H::MAX_BYTES)));
    }
    H::parse(bytes)
}

/// A quote, and the digest of its file where it was an endorsement.
struct Found<'a> {
    quote: &'a Quote,
    endorsement: Option<[u8; 32]>,
}

impl AzureEvidence {
    /// The hardware's own evidence: a report of SEV-SNP, or a quote of TDX.
    pub(crate) fn hardware(&self) -> &[u8] {
        &self.hardware
    }

    /// The certificate of the chip's key that came with the report.
    pub(crate) fn vcek(&self) -> Option<&[u8]> {
        self.vcek.as_deref()
    }

    /// What the hardware signed.
    fn hardware_signed(&self) -> &[u8] {
        self.hardware.get(..self.hardware_signed).unwrap_or_default()
    }

    /// The quote that came with the report, or the one that is among the endorsements; several would be a choice.
    fn quote<'a>(&'a self, context: &Context<'a>) -> Option<Found<'a>> {
        if let Some(quote) = &self.quote {
            return Some(Found { quote, endorsement: None });
        }
        let [endorsed]: &[Arc<EndorsedQuote>] = context.endorsements.tpm_quotes() else { return None };
        Some(Found { quote: &endorsed.quote, endorsement: Some(endorsed.sha256) })
    }

    fn check_report_data(&self, crypto: &dyn Crypto) -> Result<(), Reason> {
        let need = self.hash.report_data(crypto, &self.runtime_bytes);
        if self.report_data == need {
            return Ok(());
        }
        Err(Reason::from(ReasonCode::AzureReportData).have(hex::encode(self.report_data)).need(hex::encode(need)))
    }
}
