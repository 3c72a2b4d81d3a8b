//! Bearer tokens of our own: `pt_` and 32 random bytes in base64url. In: a token; out: whose it is. Only its SHA-256 is
//! stored: the bytes are random, so that one hash suffices, and nobody who reads the database can use one.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{Principal, Role, Scope, unauthorized};
use crate::{
    service::{
        keyring::{KeyringError, random},
        problem::Problem,
    },
    store::{Store, StoreError, Tx, on},
};

/// What our tokens begin with, so that they are recognised where they do not belong.
pub const PREFIX: &str = "pt_";

/// A token that was made just now: the only time that it is seen.
pub struct NewToken {
    /// What is given to its owner.
    pub text: Zeroizing<String>,
    /// What is stored.
    pub row: TokenRow,
}

/// A token as it is stored.
#[derive(Clone, Debug)]
pub struct TokenRow {
    /// Its public name.
    pub id: String,
    /// Its hash.
    pub sha256: [u8; 32],
    /// The project, or `*`.
    pub project: String,
    /// What it is for, in its maker's words.
    pub label: String,
    /// What it allows.
    pub roles: Vec<Role>,
    /// When it was made, in milliseconds since the Unix epoch.
    pub created: i64,
    /// Who made it.
    pub created_by: String,
    /// When it ends.
    pub expires: Option<i64>,
    /// Since when it is void.
    pub revoked: Option<i64>,
}

impl NewToken {
    /// Makes a token.
    ///
    /// # Errors
    /// [`KeyringError::Random`].
    pub fn make(
        scope: &Scope,
        label: &str,
        roles: &[Role],
        created_by: &str,
        now: i64,
        expires: Option<i64>,
    ) -> Result<Self, KeyringError> {
        let text = Zeroizing::new(format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(random::<32>()?.as_slice())));
        let row = TokenRow {
            id: hex::encode(random::<8>()?.as_slice()),
            sha256: hash(&text),
            project: scope.as_str().to_owned(),
            label: label.to_owned(),
            roles: roles.to_vec(),
            created: now,
            created_by: created_by.to_owned(),
            expires,
            revoked: None,
        };
        Ok(Self { text, row })
    }
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

/// The row of token.
type Row = (String, Vec<u8>, String, String, String, i64, String, Option<i64>, Option<i64>);

const COLUMNS: &str = "id, sha256, project, label, roles, created, created_by, expires, revoked";

impl TokenRow {
    fn read(row: Row) -> Result<Self, StoreError> {
        let (id, sha256, project, label, roles, created, created_by, expires, revoked) = row;
        let corrupt = |what| StoreError::Corrupt { what };
        let sha256 = sha256.try_into().map_err(|_| corrupt("token.sha256"))?;
        let roles = roles.split(' ').filter(|name| !name.is_empty());
        let roles =
            roles.map(|name| Role::named(name).ok_or_else(|| corrupt("token.roles"))).collect::<Result<_, _>>()?;
        Ok(Self { id, sha256, project, label, roles, created, created_by, expires, revoked })
    }

    /// Inserts it.
    ///
    /// # Errors
    /// The database's.
    pub async fn insert(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        const INSERT: &str = "-- token_insert\nINSERT INTO token \
             (id, sha256, project, label, roles, created, created_by, expires) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        let roles = self.roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(" ");
        on!(&mut tx.on, tx => {
            let insert = sqlx::query(INSERT).bind(&self.id).bind(self.sha256.as_slice()).bind(&self.project);
            let insert = insert.bind(&self.label).bind(roles).bind(self.created).bind(&self.created_by);
            insert.bind(self.expires).execute(&mut **tx).await?;
        });
        Ok(())
    }

    /// The tokens of a project, or all of them, in the order of their making.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list(store: &Store, project: Option<&str>) -> Result<Vec<Self>, StoreError> {
        let list = format!(
            "-- token_list\nSELECT {COLUMNS} FROM token WHERE $1 = '' OR project = $1 ORDER BY created, id LIMIT 1000"
        );
        let rows: Vec<Row> = on!(store.db(), pool => {
            let query = sqlx::query_as(sqlx::AssertSqlSafe(list)).bind(project.unwrap_or_default());
            query.fetch_all(pool).await
        })?;
        rows.into_iter().map(Self::read).collect()
    }

    /// Voids the token `id`; false if the project has no such token that is not void already.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn revoke(store: &Store, project: Option<&str>, id: &str, now: i64) -> Result<bool, StoreError> {
        const REVOKE: &str = "-- token_revoke\nUPDATE token SET revoked = $1 \
             WHERE id = $2 AND ($3 = '' OR project = $3) AND revoked IS NULL";
        let (id, project) = (id.to_owned(), project.unwrap_or_default().to_owned());
        let revoke = store.run_tx("token_revoke", |tx| {
            let (id, project) = (id.clone(), project.clone());
            Box::pin(async move {
                let rows = on!(&mut tx.on, tx => {
                    sqlx::query(REVOKE).bind(now).bind(id).bind(project).execute(&mut **tx).await?.rows_affected()
                });
                Ok::<_, StoreError>(rows)
            })
        });
        Ok(revoke.await? > 0)
    }
}

/// Finds out whose token it is, at `now` in milliseconds since the Unix epoch.
///
/// # Errors
/// 401 with `auth.token.unknown`, `auth.token.revoked` or `auth.token.expired`; 503 if the database is not there.
pub async fn authenticate(store: &Store, token: &str, now: i64) -> Result<Principal, Problem> {
    let sha256 = hash(token);
    let find = format!("-- token_find\nSELECT {COLUMNS} FROM token WHERE sha256 = $1");
    let row: Option<Row> = on!(store.db(), pool => {
        sqlx::query_as(sqlx::AssertSqlSafe(find)).bind(sha256.as_slice()).fetch_optional(pool).await
    })?;
    let row = row.map(TokenRow::read).transpose()?;
    // The index finds by a hash, of which timing tells nothing that helps to make a token; compared once more all the same.
    let found = row.filter(|row| row.sha256.ct_eq(&sha256).into());
    let row = found.ok_or_else(|| unauthorized("auth.token.unknown", "this token is not known"))?;
    if row.revoked.is_some() {
        return Err(unauthorized("auth.token.revoked", "this token was revoked"));
    }
    if row.expires.is_some_and(|expires| expires <= now) {
        return Err(unauthorized("auth.token.expired", "this token has expired"));
    }
    Ok(Principal { name: format!("token:{}", row.id), scope: Scope::of(&row.project), roles: row.roles })
}
