//! What a quote needs of Intel's provisioning certification service, and whether what came is it.
//!
//! In: a quote, or an answer. Out: names of documents and lists ([`Wanted`]), or until when the answer may be kept. The
//! certificates of the platform's key come with the quote. PCS API v4.

use std::fmt;

use prooftrail_result::{Kind, Reason, ReasonCode, Timestamp};
use prooftrail_trust_roots::Root;

use super::{
    Enclave, PCK, Quoted, TrustDomain,
    collateral::{Document, QeIdentity, Signed},
    names,
    pck::{self, PckExtension},
    quote::{Quote, Tee},
};
use crate::{
    context::Context,
    endorsements::{EndorsementFile, Endorsements},
    wanted::{Admitted, Wanted, only},
    x509::{self, Certificate, Crl, common_name},
};

/// The name of Intel's root.
const ROOT_CA: &str = "Intel SGX Root CA";

/// A CA that certifies platforms.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum IntelCa {
    /// Of platforms with several processors.
    Platform,
    /// Of single processors.
    Processor,
}

impl IntelCa {
    /// Its common name.
    const fn common_name(self) -> &'static str {
        match self {
            Self::Platform => names::PLATFORM_CA,
            Self::Processor => names::PROCESSOR_CA,
        }
    }
}

/// As Intel's service calls it.
impl fmt::Display for IntelCa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Platform => "platform",
            Self::Processor => "processor",
        })
    }
}

/// What a quote of a TEE needs.
pub(crate) fn by(evidence: &[u8], tee: Tee) -> Result<Vec<Wanted>, Reason> {
    let quote = Quote::parse(evidence, tee)?;
    let chain = quote.signature_data.pck_certificates()?;
    let leaf = chain.first().ok_or(ReasonCode::ChainLength)?;
    let leaf = Certificate::read(leaf, "the leaf")?;
    let extension = leaf.other_extension(pck::EXTENSION).ok_or(ReasonCode::PckExtension)?;
    let PckExtension { fmspc, .. } = PckExtension::read(extension)?;
    let issuer = names::check(&leaf.issuer, "the CA", &[names::PLATFORM_CA, names::PROCESSOR_CA])?;
    let ca = if issuer == names::PLATFORM_CA { IntelCa::Platform } else { IntelCa::Processor };
    Ok(vec![
        Wanted::IntelTcbInfo { tee, fmspc },
        Wanted::IntelQeIdentity { tee },
        Wanted::IntelPckCrl { ca },
        Wanted::IntelRootCrl,
    ])
}

/// Whether what is wanted is there by name, and by date where there is an instant.
pub(crate) fn is_held(endorsements: &Endorsements, wanted: &Wanted, at: Option<Timestamp>) -> bool {
    let list = |name: &str| {
        let mut lists = endorsements.crls().iter().filter(|crl| crl.issuer_common_name().as_deref() == Some(name));
        lists.any(|crl| at.is_none_or(|at| crl.check_validity(at).is_ok()))
    };
    let collateral = endorsements.collateral();
    match wanted {
        Wanted::IntelTcbInfo { tee, fmspc } => collateral
            .tcb_infos()
            .any(|info| info.content.tee == *tee && info.content.fmspc == *fmspc && is_in_force(&info.content, at)),
        Wanted::IntelQeIdentity { tee } => collateral
            .qe_identities()
            .any(|identity| identity.content.tee == *tee && is_in_force(&identity.content, at)),
        Wanted::IntelPckCrl { ca } => list(ca.common_name()),
        Wanted::IntelRootCrl => list(ROOT_CA),
        _ => false,
    }
}

fn is_in_force(document: &impl Document, at: Option<Timestamp>) -> bool {
    at.is_none_or(|at| document.issue_date() <= at && at < document.next_update())
}

/// Whether anything is there that Intel's service publishes, or a certificate of those who sign it.
pub(crate) fn is_published(endorsements: &Endorsements) -> bool {
    let collateral = endorsements.collateral();
    let is_intels = |name: Option<String>| {
        let names = [ROOT_CA, names::PLATFORM_CA, names::PROCESSOR_CA];
        name.is_some_and(|name| names.contains(&name.as_str()))
    };
    collateral.len() > 0
        || endorsements.crls().iter().any(|crl| is_intels(crl.issuer_common_name()))
        || has_issuers(endorsements)
}

/// Whether a certificate is there of those who sign what Intel's service publishes.
pub(crate) fn has_issuers(endorsements: &Endorsements) -> bool {
    let names = [names::TCB_SIGNING, names::PLATFORM_CA, names::PROCESSOR_CA];
    let mut certificates = endorsements.certificates().iter();
    certificates.any(|certificate| certificate.subject_common_name().is_some_and(|name| names.contains(&name.as_str())))
}

/// See [`crate::admit`]. `beside` has the CA that issued a list.
pub(crate) fn admit(
    wanted: &Wanted,
    files: &[EndorsementFile],
    beside: &Endorsements,
    context: &Context<'_>,
) -> Result<Admitted, Reason> {
    let collateral = context.endorsements.collateral();
    match wanted {
        Wanted::IntelTcbInfo { tee, fmspc } => {
            let info = only(collateral.tcb_infos(), "one TCB info")?;
            if (info.content.tee, info.content.fmspc) != (*tee, *fmspc) {
                let have = format_args!("{} of FMSPC {}", info.content.tee.as_str(), hex::encode(info.content.fmspc))
                    .to_string();
                return Err(Reason::from(ReasonCode::BindingPlatform).have(have).need(wanted));
            }
            document(info, *tee, context)
        }
        Wanted::IntelQeIdentity { tee } => {
            let identity = only(collateral.qe_identities(), "one QE identity")?;
            if identity.content.tee != *tee {
                let have = QeIdentity::id_of(identity.content.tee);
                return Err(Reason::from(ReasonCode::BindingQeIdentity).have(have).need(QeIdentity::id_of(*tee)));
            }
            document(identity, *tee, context)
        }
        Wanted::IntelPckCrl { ca } => {
            let (crl, file) = one_list(files, context)?;
            let issuers = beside.certificates().iter();
            let mut issuers =
                issuers.filter(|issuer| issuer.subject_common_name().as_deref() == Some(ca.common_name()));
            let issuer = issuers.next().ok_or_else(|| Reason::from(ReasonCode::RevocationIssuer).need(wanted))?;
            let issuer = under_a_root(context, |root| x509::alone::verify_ca(root, issuer.der(), &PCK, context))?;
            list(crl, file, &issuer, context)
        }
        Wanted::IntelRootCrl => {
            let (crl, file) = one_list(files, context)?;
            under_a_root(context, |root| list(crl, file, root, context))
        }
        _ => Err(Reason::from(ReasonCode::EndorsementUnrecognised).need(wanted)),
    }
}

fn one_list<'a>(files: &'a [EndorsementFile], context: &Context<'a>) -> Result<(&'a Crl, &'a [u8]), Reason> {
    let crl = only(context.endorsements.crls().iter(), "one CRL")?;
    Ok((crl, only(files.iter(), "one file")?))
}

fn list(crl: &Crl, file: &[u8], issuer: &Certificate, context: &Context<'_>) -> Result<Admitted, Reason> {
    x509::alone::verify_crl(issuer, file, crl, &PCK, context)?;
    Ok(Admitted { age: (0, crl.this_update()), until: crl.next_update().just_before() })
}

/// Verifies a document and the certificate that signed it.
fn document<T: Document>(signed: &Signed<T>, tee: Tee, context: &Context<'_>) -> Result<Admitted, Reason> {
    let kind = match tee {
        Tee::Tdx => TrustDomain::KIND,
        Tee::Sgx => Enclave::KIND,
    };
    let verified = roots(kind, context).map(|root| signed.verify(root, context));
    let signer = first_good(verified)?;
    let content = &signed.content;
    let until = content.next_update().just_before().min(signer.valid_until());
    Ok(Admitted { age: (content.evaluation_data_number(), content.issue_date()), until })
}

/// The roots that Intel's evidence may rest on. Nobody else's have that name.
fn roots<'a>(kind: Kind, context: &Context<'a>) -> impl Iterator<Item = &'a Root> {
    context.roots.serving(kind).filter(|root| {
        Certificate::read(&root.der, "the root")
            .is_ok_and(|root| common_name(&root.subject).as_deref() == Some(ROOT_CA))
    })
}

/// Tries what is signed under each root: of several with the same name, one signed it.
fn under_a_root<T>(
    context: &Context<'_>,
    mut verify: impl FnMut(&Certificate) -> Result<T, Reason>,
) -> Result<T, Reason> {
    let kinds = [TrustDomain::KIND, Enclave::KIND];
    let roots = kinds.into_iter().flat_map(|kind| roots(kind, context));
    first_good(roots.map(|root| x509::alone::root(root, &PCK).and_then(|root| verify(&root))))
}

/// The first success, or the first failure.
fn first_good<T>(tried: impl Iterator<Item = Result<T, Reason>>) -> Result<T, Reason> {
    let mut failed = None;
    for result in tried {
        match result {
            Ok(good) => return Ok(good),
            Err(reason) => failed = failed.or(Some(reason)),
        }
    }
    Err(failed.unwrap_or_else(|| ReasonCode::ChainRootNotPinned.into()))
}
