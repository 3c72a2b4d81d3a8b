//! Who may call what: the one table of routes. In: nothing; out: every route with its rule. A route is registered from
//! its row and from nowhere else, so that there is none without a rule; the OpenAPI document is made from the same rows.
//! Everything is denied that a rule does not allow.

use actix_web::http::Method;

use super::{
    auth::{Principal, Role, Scope, unauthorized},
    call::{Answer, Call},
    health, info, keys, policies,
    problem::Problem,
    projects, provenance, published,
    release::{appraisals, challenges, proofs, releases, revocation, search, sessions},
    reports, tokens,
};

/// Who may call a route.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Rule {
    /// Everybody.
    Public,
    /// Whoever sends evidence: the handler judges it, and nothing else decides.
    Agent,
    /// Whoever has one of these roles in the project that is asked about.
    Project(&'static [Role]),
    /// Whoever has one of these roles for the whole instance.
    Instance(&'static [Role]),
}

/// What a route takes as a body.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Body {
    /// None.
    Empty,
    /// JSON of at most so many bytes, described by the schema of that name.
    Json(usize, &'static str),
    /// Text of at most so many bytes.
    Text(usize),
}

/// A route.
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path, with `{…}` for its variable parts.
    pub path: &'static str,
    /// Who may call it.
    pub rule: Rule,
    /// Its body.
    pub body: Body,
    /// The parameters that it takes in the query; others are refused.
    pub query: &'static [&'static str],
    /// What it does, in a line.
    pub summary: &'static str,
    /// The name of the schema of its answer, if that is JSON.
    pub answers: Option<&'static str>,
    /// What does it.
    pub handler: fn(Call) -> Answer,
}

use Body::{Empty, Json, Text};
use Role::{Approver, Auditor, Operator, PolicyOwner};
use Rule::{Agent, Instance, Project, Public};

/// Every role: for what everybody in a project may look at.
const EVERY: &[Role] = &[Operator, PolicyOwner, Approver, Auditor];

/// A request of agents.
const REQUEST_BYTES: usize = prooftrail_protocol::limits::REQUEST_BYTES;

/// A small JSON body.
const SMALL: usize = 16 * 1024;

/// A row: method, path, rule, body, query, answer, summary, handler.
macro_rules! route {
    ($method:ident $path:literal, $rule:expr, $body:expr, $query:expr, $answers:expr, $summary:literal, $handler:path) => {
        Route {
            method: Method::$method,
            path: $path,
            rule: $rule,
            body: $body,
            query: $query,
            answers: $answers,
            summary: $summary,
            handler: |call| Box::pin($handler(call)),
        }
    };
}

/// Every route of the service.
#[rustfmt::skip]
pub static ROUTES: &[Route] = &[
    // machines
    route!(GET "/healthz", Public, Empty, &[], Some("Health"), "Whether the process runs", health::live),
    route!(GET "/readyz", Public, Empty, &[], Some("Ready"), "Whether it can do its work, and what fails if not", health::ready),
    route!(GET "/metrics", Public, Empty, &[], None, "Metrics, in Prometheus' text format", info::metrics),
    route!(GET "/openapi.json", Public, Empty, &[], None, "This description of the API", info::openapi),
    route!(GET "/.well-known/prooftrail", Public, Empty, &[], Some("WellKnown"), "Origin, public keys and build", info::well_known),
    // the ledger
    route!(GET "/ledger/checkpoint", Public, Empty, &[], None, "The last signed checkpoint (C2SP tlog-checkpoint)", published::checkpoint),
    route!(GET "/ledger/tile/{tile:.*}", Public, Empty, &[], None, "Tiles and entry bundles (C2SP tlog-tiles)", published::tile),
    // agents
    route!(POST "/v1/challenges", Agent, Json(SMALL, "ChallengeRequest"), &["project"], Some("ChallengeResponse"), "Gives a challenge, which commits to the latest checkpoint", challenges::challenge),
    route!(POST "/v1/releases", Agent, Json(REQUEST_BYTES, "ReleaseRequest"), &["project"], Some("ReleaseResponse"), "Releases a witness's file key to attested code", releases::release),
    route!(POST "/v1/releases/{session}", Agent, Json(REQUEST_BYTES, "SessionReleaseRequest"), &["project"], Some("ReleaseResponse"), "Releases a further witness of a session", sessions::further),
    route!(POST "/v1/proofs", Agent, Json(REQUEST_BYTES, "ProofRequest"), &["project"], Some("ProofResponse"), "Registers what a released witness was proved with", proofs::register),
    route!(POST "/v1/appraisals", Agent, Json(REQUEST_BYTES, "AppraisalRequest"), &["project"], Some("AppraisalResponse"), "Appraises evidence, without a witness", appraisals::appraise),
    // decisions
    route!(GET "/v1/releases", Project(&[Operator, Auditor]), Empty, &["project", "verdict", "key", "policy", "before", "limit"], Some("DecisionList"), "Lists decisions, the newest first", search::search),
    route!(POST "/v1/releases/{id}/revoke", Project(&[Operator]), Json(SMALL, "ReleaseRevocation"), &["project"], Some("RevokedRelease"), "Revokes a release, which ends its session", revocation::revoke),
    // relying parties
    route!(GET "/p/{id}", Public, Empty, provenance::QUERY, None, "The page of a proof; JSON for whoever accepts no HTML", provenance::page),
    route!(GET "/v1/proofs/{id}", Public, Empty, provenance::QUERY, Some("ProofRecords"), "Lists what is registered of a proof, or of a statement", provenance::records),
    route!(GET "/v1/proofs/{id}/bundle", Public, Empty, provenance::QUERY, None, "A proof's whole trail, to be verified offline", provenance::bundle),
    // reports
    route!(GET "/v1/reports/compliance", Project(&[Auditor]), Empty, reports::QUERY, None, "Shows what happened in a range of time; nothing is recorded", reports::preview),
    route!(POST "/v1/reports/compliance", Project(&[Auditor]), Empty, reports::QUERY, None, "Makes a report that the ledger commits to", reports::make),
    // administration
    route!(GET "/v1/projects", Instance(&[Operator, Auditor]), Empty, &[], Some("ProjectList"), "Lists the projects", projects::list),
    route!(POST "/v1/projects", Instance(&[Operator]), Json(SMALL, "NewProject"), &[], Some("Project"), "Adds a project", projects::add),
    route!(GET "/v1/tokens", Project(&[Operator, Auditor]), Empty, &["project"], Some("TokenList"), "Lists a project's tokens", tokens::list),
    route!(POST "/v1/tokens", Project(&[Operator]), Json(SMALL, "NewTokenRequest"), &["project"], Some("IssuedToken"), "Issues a token, and shows it once", tokens::issue),
    route!(DELETE "/v1/tokens/{id}", Project(&[Operator]), Empty, &["project"], Some("RevokedToken"), "Revokes a token", tokens::revoke),
    route!(GET "/v1/policies", Project(EVERY), Empty, &["project"], Some("PolicyList"), "Lists a project's policies", policies::list),
    route!(POST "/v1/policies", Project(&[PolicyOwner]), Text(policies::MAX_TEXT_BYTES), &["project"], Some("UploadedPolicy"), "Uploads a policy", policies::upload),
    route!(GET "/v1/policies/{name}", Project(EVERY), Empty, &["project"], Some("PolicyList"), "Lists a policy's versions", policies::versions),
    route!(GET "/v1/policies/{name}/versions/{version}", Project(EVERY), Empty, &["project"], Some("PolicyText"), "Shows a version with its text", policies::text),
    route!(POST "/v1/policies/{name}/activate", Project(&[PolicyOwner]), Json(SMALL, "Activation"), &["project"], Some("PolicyVersion"), "Puts a version in force", policies::activate),
    route!(GET "/v1/keys", Project(EVERY), Empty, &["project"], Some("KeyList"), "Lists a project's witness keys", keys::list),
    route!(POST "/v1/keys", Project(&[Operator]), Json(SMALL, "NewKey"), &["project"], Some("WitnessKey"), "Makes a witness key", keys::add),
    route!(GET "/v1/keys/{name}", Project(EVERY), Empty, &["project"], Some("WitnessKey"), "Shows a witness key", keys::show),
    route!(GET "/v1/keys/{name}/recipient", Public, Empty, &["project"], Some("KeyRecipient"), "What witnesses are sealed to", keys::recipient),
    route!(POST "/v1/keys/{name}/rotate", Project(&[Operator]), Empty, &["project"], Some("WitnessKey"), "Adds a version to a witness key", keys::rotate),
    route!(POST "/v1/keys/{name}/revoke", Project(&[Operator]), Json(SMALL, "Revocation"), &["project"], Some("WitnessKey"), "Revokes versions of a witness key", keys::revoke),
];

impl Rule {
    /// Whether a caller must be known at all.
    #[must_use]
    pub const fn needs_principal(&self) -> bool {
        matches!(self, Self::Project(_) | Self::Instance(_))
    }

    /// Lets `principal` pass, who asks about `project`.
    ///
    /// # Errors
    /// 403 with `auth.project` or `auth.role`.
    pub fn allow(&self, principal: &Principal, project: &str) -> Result<(), Problem> {
        let forbidden = |code, detail: &str| Err(Problem::new(actix_web::http::StatusCode::FORBIDDEN, code, detail));
        let roles = match (self, &principal.scope) {
            (Self::Public | Self::Agent, _) => return Ok(()),
            (Self::Instance(_), Scope::Project(_)) => {
                return forbidden("auth.project", "this is for those whose roles hold for every project");
            }
            (Self::Project(_), Scope::Project(own)) if own != project => {
                return forbidden("auth.project", "your roles do not hold in this project");
            }
            (Self::Project(roles) | Self::Instance(roles), _) => roles,
        };
        if principal.roles.iter().any(|role| roles.contains(role)) {
            return Ok(());
        }
        let names: Vec<_> = roles.iter().map(|role| role.as_str()).collect();
        forbidden("auth.role", &format!("this needs a role of: {}", names.join(", ")))
    }

    /// As [`Rule::allow`], for a caller who may be unknown.
    ///
    /// # Errors
    /// 401 for an unknown caller where one must be known; 403.
    pub fn check(&self, principal: Option<&Principal>, project: &str) -> Result<(), Problem> {
        match principal {
            Some(principal) => self.allow(principal, project),
            None if self.needs_principal() => Err(unauthorized("auth.required", "send Authorization: Bearer TOKEN")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{Method, ROUTES, Rule};
    use crate::service::auth::{Principal, Role, Scope};

    #[test]
    fn a_route_stands_in_the_table_once() {
        let mut seen = HashSet::new();
        for route in ROUTES {
            assert!(seen.insert((route.method.clone(), route.path)), "{} {}", route.method, route.path);
            assert!(!route.summary.is_empty());
        }
    }

    #[test]
    fn whatever_is_administered_has_a_rule_with_roles() {
        for route in ROUTES.iter().filter(|route| route.path.starts_with("/v1/")) {
            match route.rule {
                Rule::Project(roles) | Rule::Instance(roles) => assert!(!roles.is_empty(), "{}", route.path),
                Rule::Agent => {}
                // What is given out freely: the public half of a witness key, and what became of a proof.
                Rule::Public => {
                    let is_free = route.path.ends_with("/recipient") || route.path.starts_with("/v1/proofs/{id}");
                    assert!(is_free && route.method == Method::GET, "{}", route.path);
                }
            }
        }
    }

    #[test]
    fn a_role_holds_where_it_was_given() {
        let rule = Rule::Project(&[Role::Operator]);
        let who = |scope, roles: &[Role]| Principal { name: String::new(), scope, roles: roles.to_vec() };
        let code = |rule: Rule, who: &Principal| rule.allow(who, "a").map_err(|problem| problem.code().to_owned());
        let in_a = who(Scope::of("a"), &[Role::Operator]);
        assert_eq!(code(rule, &in_a), Ok(()));
        assert_eq!(code(rule, &who(Scope::Instance, &[Role::Operator])), Ok(()));
        assert_eq!(code(rule, &who(Scope::of("b"), &[Role::Operator])), Err("auth.project".to_owned()));
        assert_eq!(code(rule, &who(Scope::of("a"), &[Role::Auditor])), Err("auth.role".to_owned()));
        assert_eq!(code(rule, &who(Scope::of("a"), &[])), Err("auth.role".to_owned()));
        assert_eq!(code(Rule::Instance(&[Role::Operator]), &in_a), Err("auth.project".to_owned()));
        assert_eq!(rule.check(None, "a").unwrap_err().code(), "auth.required");
    }
}
