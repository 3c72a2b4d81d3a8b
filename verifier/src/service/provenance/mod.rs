//! What relying parties ask of a proof: its page, its records, its bundle. In: an id, which is the SHA-256 of a proof's
//! bytes or a statement's id; out: what the ledger says, to be verified by whoever asks (docs/provenance.md).
//!
//! An id may own many records, and none is overwritten: `entry` names one. The page is our own word about ourselves, and
//! says so; the bundle is what convinces.
//!
//! | module | what for |
//! |---|---|
//! | [`find`] | from an id to records |
//! | [`gather`] | from a record to a bundle |
//! | [`pages`] | HTML |

mod find;
mod gather;
mod pages;

use actix_web::{
    HttpResponse,
    http::{StatusCode, header},
    web,
};
use prooftrail_evidence::AwsLc;
use prooftrail_provenance::{Surroundings, TrustFile, Verification, verify_bundle};
use prooftrail_result::Timestamp;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

pub use self::find::FoundProof;
use self::{find::Registered, gather::Gathered};
use super::{call::Call, problem::Problem};

/// The parameter of these routes.
pub const QUERY: &[&str] = &["entry"];

/// The records of an id.
#[derive(Serialize, ToSchema)]
pub struct ProofRecords {
    /// The id that was asked for.
    id: String,
    /// In the order of the ledger.
    records: Vec<FoundProof>,
}

/// `GET /v1/proofs/{id}`
///
/// # Errors
/// 404, 503.
pub async fn records(call: Call) -> Result<HttpResponse, Problem> {
    let found = Registered::find(&call).await?;
    let records = found.iter().map(|registered| registered.shown(&call)).collect();
    Ok(HttpResponse::Ok().json(ProofRecords { id: call.path("id").to_owned(), records }))
}

/// `GET /v1/proofs/{id}/bundle`: of the record that `entry` names, else of the first.
///
/// # Errors
/// 404, 503.
pub async fn bundle(call: Call) -> Result<HttpResponse, Problem> {
    let registered = Registered::find(&call).await?.into_iter().next().ok_or_else(|| Problem::not_found("proof"))?;
    let file = gather::file(Gathered::read(&call.state, &registered).await?.bundle)?;
    let name = format!("attachment; filename=\"{}.bundle.json\"", registered.file_name());
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        .insert_header((header::CONTENT_DISPOSITION, name))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(file))
}

/// `GET /p/{id}`: HTML, or JSON for whoever accepts that and no HTML.
///
/// # Errors
/// 404 as JSON, 503.
pub async fn page(call: Call) -> Result<HttpResponse, Problem> {
    let accept = call.request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let wants_json = accept.contains("application/json") && !accept.contains("text/html");
    let found = match Registered::find(&call).await {
        Err(problem) if problem.status() == StatusCode::NOT_FOUND && !wants_json => {
            return Ok(html(HttpResponse::NotFound(), pages::not_found()));
        }
        other => other?,
    };
    match found.as_slice() {
        [registered] => {
            let gathered = Gathered::read(&call.state, registered).await?;
            let verified = verify(&call, gathered, registered).await?;
            if wants_json {
                let records = [registered.shown(&call)];
                return Ok(HttpResponse::Ok()
                    .insert_header((header::CACHE_CONTROL, "no-store"))
                    .json(json!({ "id": call.path("id"), "records": records, "verification": verified })));
            }
            let page = pages::proof(&verified, &registered.bundle_path(call.path("id")), &call.state.keyring.origin);
            Ok(html(HttpResponse::Ok(), page.map_err(|error| defect(&error))?))
        }
        _ if wants_json => records(call).await,
        several => Ok(html(HttpResponse::Ok(), pages::several(call.path("id"), several))),
    }
}

fn html(mut response: actix_web::HttpResponseBuilder, page: String) -> HttpResponse {
    response
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::CONTENT_SECURITY_POLICY, pages::CONTENT_SECURITY_POLICY))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .body(page)
}

/// Verifies a bundle as whoever trusts this very service would: its log, its release key, its roots and its policies. What
/// that shows is that the records fit together; whether they deserve trust is the reader's question.
async fn verify(call: &Call, gathered: Gathered, registered: &Registered) -> Result<Verification, Problem> {
    let state = &call.state;
    let trust = own_trust(call, &gathered).map_err(|error| defect(&error))?;
    let at = Timestamp::from_unix_millis(call.now()).ok_or_else(Problem::internal)?;
    let data = state.clone();
    // A pairing takes milliseconds.
    let verified = web::block(move || {
        verify_bundle(&gathered.bundle, &trust, Surroundings { roots: &data.roots, crypto: &AwsLc, at })
    });
    let verified = verified.await.map_err(|_| Problem::internal())?;
    if !verified.reasons.is_empty() {
        let codes: Vec<_> = verified.reasons.iter().map(|reason| reason.code.as_str()).collect();
        tracing::error!(entry = registered.entry, ?codes, "a proof does not verify by what is stored of it");
    }
    Ok(verified)
}

/// The trust file of whoever trusts this service and nobody else: also in which keys of token issuers it decided by, which
/// stand in no list of roots. Of certificates, those are trusted that are among its roots today.
fn own_trust(call: &Call, gathered: &Gathered) -> Result<TrustFile, prooftrail_provenance::TrustError> {
    let state = &call.state;
    let quoted =
        |digests: Vec<String>| digests.iter().map(|digest| format!("{digest:?}")).collect::<Vec<_>>().join(", ");
    let roots = state.roots.iter().map(|root| hex::encode(root.sha256));
    let roots = quoted(roots.chain(gathered.roots.iter().map(hex::encode)).collect());
    let text = format!(
        "prooftrail_trust = 1\nlog = \"log {}\\nquorum none\\n\"\nrelease_keys = [\"{}\"]\npolicies = [{}]\n\
         verifying_keys = [{}]\nroots = [{roots}]\naccept_operator_time = true\naccept_simulated = true\n",
        state.keyring.log,
        hex::encode(state.keyring.release_public),
        quoted(vec![hex::encode(gathered.policy_digest)]),
        quoted(gathered.verifying_key.iter().map(hex::encode).collect()),
    );
    TrustFile::parse(&text)
}

fn defect(error: &dyn std::fmt::Display) -> Problem {
    tracing::error!(%error, "a provenance cannot be shown");
    Problem::internal()
}
