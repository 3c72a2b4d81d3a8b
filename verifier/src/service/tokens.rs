//! The routes of bearer tokens. In: what a token is to allow; out: the token, once. Nobody gives more than they have: a
//! token for every project is issued only by those whose own roles hold for every project.

use actix_web::HttpResponse;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    auth::{
        Role, Scope,
        token::{NewToken, TokenRow},
    },
    call::Call,
    problem::Problem,
    projects, wire,
};
use crate::store::StoreError;

/// The longest label in bytes.
const MAX_LABEL_BYTES: usize = 200;

/// The longest life of a token, in seconds: a year.
const MAX_LIFETIME: i64 = 366 * 24 * 3600;

/// The life of a token for which none is asked: 90 days.
const DEFAULT_LIFETIME: i64 = 90 * 24 * 3600;

/// What a token is to allow.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTokenRequest {
    /// What it is for.
    label: String,
    /// At least one.
    roles: Vec<Role>,
    /// For how many seconds, at most a year \[default: 90 days\].
    lifetime_seconds: Option<i64>,
}

/// A token, without what makes it one.
#[derive(Serialize, ToSchema)]
pub struct Token {
    /// Its public name.
    id: String,
    /// The project, or `*`.
    project: String,
    /// What it is for.
    label: String,
    /// What it allows.
    roles: Vec<Role>,
    /// When it was issued, RFC 3339.
    created: Option<String>,
    /// By whom.
    created_by: String,
    /// When it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    /// When it was revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked: Option<String>,
}

/// A project's tokens.
#[derive(Serialize, ToSchema)]
pub struct TokenList {
    /// In the order of their making.
    tokens: Vec<Token>,
}

/// A token that was issued just now.
#[derive(Serialize, ToSchema)]
pub struct IssuedToken {
    /// The token itself, which cannot be had again.
    token: String,
    /// What is known about it.
    #[serde(flatten)]
    about: Token,
}

/// A token that is void now.
#[derive(Serialize, ToSchema)]
pub struct RevokedToken {
    /// Its public name.
    id: String,
}

impl From<TokenRow> for Token {
    fn from(row: TokenRow) -> Self {
        let TokenRow { id, sha256: _, project, label, roles, created, created_by, expires, revoked } = row;
        let [expires, revoked] = [expires, revoked].map(|time| time.and_then(wire::time));
        Self { id, project, label, roles, created: wire::time(created), created_by, expires, revoked }
    }
}

/// The project whose tokens are meant; `None` for all, which only the instance's own people may name.
fn project(call: &Call) -> Option<&str> {
    (call.project != Scope::Instance.as_str()).then_some(call.project.as_str())
}

/// `GET /v1/tokens`
///
/// # Errors
/// 503.
pub async fn list(call: Call) -> Result<HttpResponse, Problem> {
    let rows = TokenRow::list(&call.state.store, project(&call)).await?;
    Ok(HttpResponse::Ok().json(TokenList { tokens: rows.into_iter().map(Token::from).collect() }))
}

/// `POST /v1/tokens`
///
/// # Errors
/// 400, 404 for a project that is not there, 503.
pub async fn issue(call: Call) -> Result<HttpResponse, Problem> {
    let NewTokenRequest { label, mut roles, lifetime_seconds } = call.json()?;
    if label.is_empty() || label.len() > MAX_LABEL_BYTES || label.chars().any(char::is_control) {
        return Err(Problem::bad_request("token.label", format!("one line of 1 to {MAX_LABEL_BYTES} bytes")));
    }
    roles.sort_unstable();
    roles.dedup();
    if roles.is_empty() {
        return Err(Problem::bad_request("token.roles", "a token without a role allows nothing"));
    }
    let lifetime = lifetime_seconds.unwrap_or(DEFAULT_LIFETIME);
    if !(1..=MAX_LIFETIME).contains(&lifetime) {
        return Err(Problem::bad_request("token.lifetime", format!("1 to {MAX_LIFETIME} seconds")));
    }
    let scope = Scope::of(&call.project);
    if scope != Scope::Instance {
        projects::require(&call).await?;
    }
    let expires = call.now().saturating_add(lifetime.saturating_mul(1000));
    let made = NewToken::make(&scope, &label, &roles, call.who(), call.now(), Some(expires));
    let NewToken { text, row } = made.map_err(|error| {
        tracing::error!(%error, "no token could be made");
        Problem::internal()
    })?;
    insert(&call.state.store, &row).await?;
    tracing::info!(token = row.id, project = row.project, who = call.who(), "token issued");
    // The one place where a token leaves; the answer is not kept.
    let issued = IssuedToken { token: text.to_string(), about: row.into() };
    Ok(HttpResponse::Created().insert_header(("cache-control", "no-store")).json(issued))
}

/// `DELETE /v1/tokens/{id}`
///
/// # Errors
/// 404, 503.
pub async fn revoke(call: Call) -> Result<HttpResponse, Problem> {
    let id = call.path("id").to_owned();
    if !TokenRow::revoke(&call.state.store, project(&call), &id, call.now()).await? {
        return Err(Problem::not_found("token that is not revoked already"));
    }
    tracing::info!(token = id, project = call.project, who = call.who(), "token revoked");
    Ok(HttpResponse::Ok().json(RevokedToken { id }))
}

/// Stores a token.
///
/// # Errors
/// [`StoreError`].
pub async fn insert(store: &crate::store::Store, row: &TokenRow) -> Result<(), StoreError> {
    let insert = store.run_tx("token_insert", |tx| {
        let row = row.clone();
        Box::pin(async move { row.insert(tx).await })
    });
    insert.await
}
