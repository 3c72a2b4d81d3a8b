//! The routes of witness keys. In: a name and the policy that it serves; out: a recipient `age1…`, which is given out
//! freely. The identity behind it is encrypted before it is stored, and never leaves. Every change is an entry in the
//! ledger.
//!
//! A key is bound to its place: project, name, version, policy and recipient are authenticated with the encrypted
//! identity, so that a row that was swapped or pointed to another policy does not open ([`place`]).

use std::sync::Arc;

use actix_web::HttpResponse;
use age::secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::{
    call::Call,
    governance::{Change, Refused, overtaken},
    problem::Problem,
    projects,
    state::State,
    wire,
};
use crate::{
    log::{
        batch::{Receipt, SideError, SideRows},
        entry::EntryType,
    },
    secrets::{Place, SecretBytes, SecretColumn},
    store::{Store, StoreError, Tx, Work, on},
};

/// The table and column of identities, for re-encryption.
pub const IDENTITIES: SecretColumn = SecretColumn::new("witness_key_version", "identity");

/// A key to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// Its name.
    name: String,
    /// The policy that decides who gets what it opens; it must be there, and need not be in force yet.
    policy: String,
}

/// Which versions are void.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    /// A version; every version if there is none.
    version: Option<i64>,
}

/// A witness key.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct WitnessKey {
    /// Its name.
    pub name: String,
    /// The policy it is named to.
    pub policy: String,
    /// Its versions, the newest last.
    pub versions: Vec<KeyVersion>,
}

/// A version of a witness key.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct KeyVersion {
    /// 1 for the first.
    pub version: i64,
    /// What witnesses are sealed to.
    pub recipient: String,
    /// When it was made, RFC 3339.
    pub created: Option<String>,
    /// By whom.
    pub created_by: String,
    /// Since when nothing is released under it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked: Option<String>,
    /// Where the ledger says that it was made.
    pub entry_index: i64,
}

/// A project's keys.
#[derive(Serialize, ToSchema)]
pub struct KeyList {
    /// By name.
    keys: Vec<WitnessKey>,
}

/// What witnesses are sealed to.
#[derive(Serialize, ToSchema)]
pub struct KeyRecipient {
    /// The key's name.
    name: String,
    /// The newest version that is not revoked.
    version: i64,
    /// Its public half, as `age` reads it.
    recipient: String,
}

/// Name, policy, version, recipient, created, created_by, revoked, entry_index.
type Row = (String, String, i64, String, i64, String, Option<i64>, i64);

impl WitnessKey {
    async fn list(store: &Store, project: &str, name: &str) -> Result<Vec<Self>, StoreError> {
        const LIST: &str = "-- key_list\nSELECT k.name, k.policy, v.version, v.recipient, v.created, v.created_by, \
             v.revoked, v.entry_index FROM witness_key k JOIN witness_key_version v \
             ON v.project = k.project AND v.name = k.name \
             WHERE k.project = $1 AND ($2 = '' OR k.name = $2) ORDER BY k.name, v.version LIMIT 10000";
        let rows: Vec<Row> = on!(store.db(), pool => {
            sqlx::query_as(LIST).bind(project).bind(name).fetch_all(pool).await
        })?;
        let mut keys: Vec<Self> = Vec::new();
        for (name, policy, version, recipient, created, created_by, revoked, entry_index) in rows {
            let created = wire::time(created);
            let revoked = revoked.and_then(wire::time);
            let version = KeyVersion { version, recipient, created, created_by, revoked, entry_index };
            match keys.last_mut().filter(|key| key.name == name) {
                Some(key) => key.versions.push(version),
                None => keys.push(Self { name, policy, versions: vec![version] }),
            }
        }
        Ok(keys)
    }

    async fn find(call: &Call) -> Result<Self, Problem> {
        let name = call.path("name");
        let found = Self::list(&call.state.store, &call.project, name).await?.into_iter().next();
        found.filter(|_| !name.is_empty()).ok_or_else(|| Problem::not_found("key"))
    }
}

/// `GET /v1/keys`
///
/// # Errors
/// 503.
pub async fn list(call: Call) -> Result<HttpResponse, Problem> {
    let keys = WitnessKey::list(&call.state.store, &call.project, "").await?;
    Ok(HttpResponse::Ok().json(KeyList { keys }))
}

/// `GET /v1/keys/{name}`
///
/// # Errors
/// 404, 503.
pub async fn show(call: Call) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(WitnessKey::find(&call).await?))
}

/// `GET /v1/keys/{name}/recipient`
///
/// # Errors
/// 404, 503.
pub async fn recipient(call: Call) -> Result<HttpResponse, Problem> {
    let WitnessKey { name, policy: _, versions } = WitnessKey::find(&call).await?;
    let newest = versions.into_iter().rev().find(|version| version.revoked.is_none());
    let KeyVersion { version, recipient, .. } = newest.ok_or_else(|| Problem::not_found("key that is not revoked"))?;
    Ok(HttpResponse::Ok().json(KeyRecipient { name, version, recipient }))
}

/// `POST /v1/keys`
///
/// # Errors
/// 400, 404 for a policy that is not there, 409 for a name that is taken, 503.
pub async fn add(call: Call) -> Result<HttpResponse, Problem> {
    projects::require(&call).await?;
    let NewKey { name, policy } = call.json()?;
    wire::check_name(&name)?;
    wire::check_name(&policy)?;
    if !WitnessKey::list(&call.state.store, &call.project, &name).await?.is_empty() {
        return Err(Problem::conflict("key.exists", "there is a key of that name; rotate it, or choose another"));
    }
    let key = version(&call, name, policy, 1, "new").await?;
    Ok(HttpResponse::Created().json(key))
}

/// `POST /v1/keys/{name}/rotate`
///
/// # Errors
/// 404, 409, 503.
pub async fn rotate(call: Call) -> Result<HttpResponse, Problem> {
    let WitnessKey { name, policy, versions } = WitnessKey::find(&call).await?;
    let number = versions.last().map_or(1, |last| last.version.saturating_add(1));
    let mut key = version(&call, name, policy, number, "rotate").await?;
    key.versions.splice(0..0, versions);
    Ok(HttpResponse::Created().json(key))
}

/// `POST /v1/keys/{name}/revoke`
///
/// # Errors
/// 404, 409, 503.
pub async fn revoke(call: Call) -> Result<HttpResponse, Problem> {
    let Revocation { version } = call.json()?;
    let mut key = WitnessKey::find(&call).await?;
    let is_meant = |known: &KeyVersion| known.revoked.is_none() && version.is_none_or(|meant| known.version == meant);
    let meant: Vec<i64> = key.versions.iter().filter(|known| is_meant(known)).map(|known| known.version).collect();
    if meant.is_empty() {
        return Err(Problem::not_found("version that is not revoked already"));
    }
    let rows = NewRevocation {
        project: call.project.clone(),
        name: key.name.clone(),
        versions: meant.clone(),
        at: call.now(),
    };
    let change = Change {
        project: call.project.clone(),
        entry_type: EntryType::Key,
        record: json!({
            "record": "prooftrail/key/v1", "action": "revoke", "project": call.project, "name": key.name,
            "versions": meant, "policy": key.policy, "by": call.who(),
        }),
        blobs: Vec::new(),
        rows: Arc::new(rows),
    };
    change.make(&call.state).await?;
    tracing::warn!(project = call.project, key = key.name, versions = ?meant, who = call.who(), "key revoked");
    for known in key.versions.iter_mut().filter(|known| meant.contains(&known.version)) {
        known.revoked = wire::time(call.now());
    }
    Ok(HttpResponse::Ok().json(key))
}

/// Makes version `number` of a key; gives the key with this version only.
async fn version(call: &Call, name: String, policy: String, number: i64, action: &str) -> Result<WitnessKey, Problem> {
    let identity = age::x25519::Identity::generate();
    let recipient = identity.to_public().to_string();
    let secret = identity.to_string();
    let secret = Zeroizing::new(secret.expose_secret().as_bytes().to_vec());
    let at = place(&call.project, &name, number, &policy, &recipient);
    let encrypted = call.state.columns.encrypt(&at, &secret).map_err(|error| {
        tracing::error!(%error, "a key could not be encrypted");
        Problem::unavailable("key.encryption", "the key could not be encrypted")
    })?;
    let rows = NewKeyVersion {
        project: call.project.clone(),
        name: name.clone(),
        policy: policy.clone(),
        version: number,
        recipient: recipient.clone(),
        identity: encrypted,
        created: call.now(),
        created_by: call.who().to_owned(),
    };
    let change = Change {
        project: call.project.clone(),
        entry_type: EntryType::Key,
        record: json!({
            "record": "prooftrail/key/v1", "action": action, "project": call.project, "name": name,
            "version": number, "policy": policy, "recipient": recipient, "by": call.who(),
        }),
        blobs: Vec::new(),
        rows: Arc::new(rows),
    };
    let appended = change.make(&call.state).await?;
    tracing::info!(project = call.project, key = name, version = number, who = call.who(), "key made");
    let made = KeyVersion {
        version: number,
        recipient,
        created: wire::time(call.now()),
        created_by: call.who().to_owned(),
        revoked: None,
        entry_index: i64::try_from(appended.receipt.index).unwrap_or(i64::MAX),
    };
    Ok(WitnessKey { name, policy, versions: vec![made] })
}

/// Where an identity is kept, and what it must not be parted from.
fn place<'a>(project: &'a str, name: &'a str, version: i64, policy: &'a str, recipient: &'a str) -> Place<'a> {
    let version = u64::try_from(version).unwrap_or(0);
    IDENTITIES.at(project, name.as_bytes(), version, vec![policy.as_bytes(), recipient.as_bytes()])
}

/// An identity that was opened for a release.
pub struct OpenedIdentity {
    /// `AGE-SECRET-KEY-1…`.
    pub identity: SecretBytes,
    /// Which version of the key it is.
    pub version: i64,
    /// The policy that the key is named to.
    pub policy: String,
}

/// The identities of a key that may still open witnesses, the newest first; a release tries them against the header.
///
/// # Errors
/// 404 for a key that is not there or wholly revoked; 503.
pub async fn open(state: &State, project: &str, name: &str) -> Result<Vec<OpenedIdentity>, Problem> {
    const OPEN: &str = "-- key_open\nSELECT k.policy, v.version, v.recipient, v.identity FROM witness_key k \
         JOIN witness_key_version v ON v.project = k.project AND v.name = k.name \
         WHERE k.project = $1 AND k.name = $2 AND v.revoked IS NULL ORDER BY v.version DESC LIMIT 64";
    let rows: Vec<(String, i64, String, Vec<u8>)> = on!(state.store.db(), pool => {
        sqlx::query_as(OPEN).bind(project).bind(name).fetch_all(pool).await
    })?;
    let mut opened = Vec::new();
    for (policy, version, recipient, encrypted) in rows {
        let at = place(project, name, version, &policy, &recipient);
        let now = state.clock.now();
        let identity = state.columns.decrypt_refreshed(&at, &encrypted, now).await.map_err(|error| {
            tracing::error!(%error, project, name, version, "a stored key does not open");
            Problem::unavailable("key.encryption", "the key does not open; its operator must look")
        })?;
        opened.push(OpenedIdentity { identity, version, policy });
    }
    if opened.is_empty() { Err(Problem::not_found("key")) } else { Ok(opened) }
}

/// The rows of a new version.
struct NewKeyVersion {
    project: String,
    name: String,
    policy: String,
    version: i64,
    recipient: String,
    identity: Vec<u8>,
    created: i64,
    created_by: String,
}

impl SideRows for NewKeyVersion {
    fn write<'t>(&'t self, tx: &'t mut Tx<'_>, receipt: &'t Receipt) -> Work<'t, (), SideError> {
        const POLICY: &str = "-- key_policy\nSELECT COUNT(*) FROM policy WHERE project = $1 AND name = $2";
        const LAST: &str = "-- key_last\nSELECT COALESCE(MAX(version), 0) FROM witness_key_version \
             WHERE project = $1 AND name = $2";
        const KEY: &str = "-- key_add\nINSERT INTO witness_key (project, name, policy, created) \
             VALUES ($1, $2, $3, $4) ON CONFLICT (project, name) DO NOTHING";
        const VERSION: &str = "-- key_version_add\nINSERT INTO witness_key_version \
             (project, name, version, recipient, identity, created, created_by, entry_index) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        Box::pin(async move {
            let entry = i64::try_from(receipt.index).unwrap_or(i64::MAX);
            let Self { project, name, policy, .. } = self;
            let (policies, last): (i64, i64) = on!(&mut tx.on, tx => {
                let policies = sqlx::query_scalar(POLICY).bind(project).bind(policy).fetch_one(&mut **tx).await?;
                let last = sqlx::query_scalar(LAST).bind(project).bind(name).fetch_one(&mut **tx).await?;
                (policies, last)
            });
            if policies == 0 {
                let detail = format!("there is no policy {policy}; upload it first");
                return Err(Refused { code: "key.policy", detail }.into());
            }
            if last.saturating_add(1) != self.version {
                return Err(overtaken().into());
            }
            on!(&mut tx.on, tx => {
                sqlx::query(KEY).bind(project).bind(name).bind(policy).bind(self.created).execute(&mut **tx).await?;
                let insert = sqlx::query(VERSION).bind(project).bind(name).bind(self.version).bind(&self.recipient);
                let insert = insert.bind(&self.identity).bind(self.created).bind(&self.created_by).bind(entry);
                insert.execute(&mut **tx).await?;
            });
            Ok(())
        })
    }
}

/// The rows of a revocation.
struct NewRevocation {
    project: String,
    name: String,
    versions: Vec<i64>,
    at: i64,
}

impl SideRows for NewRevocation {
    fn write<'t>(&'t self, tx: &'t mut Tx<'_>, _: &'t Receipt) -> Work<'t, (), SideError> {
        const REVOKE: &str = "-- key_revoke\nUPDATE witness_key_version SET revoked = $1 \
             WHERE project = $2 AND name = $3 AND version = $4 AND revoked IS NULL";
        Box::pin(async move {
            for version in &self.versions {
                let changed = on!(&mut tx.on, tx => {
                    let update = sqlx::query(REVOKE).bind(self.at).bind(&self.project).bind(&self.name).bind(version);
                    update.execute(&mut **tx).await?.rows_affected()
                });
                if changed == 0 {
                    return Err(overtaken().into());
                }
            }
            Ok(())
        })
    }
}
