//! What a decision writes in the transaction of its entry. In: decisions, and where their entries come to stand; out:
//! archive, decision and spent challenge written, or the decision refused because what it rested on has changed.
//!
//! Those of one batch are written together: on PostgreSQL four statements for any number of decisions.

use std::{any::Any, collections::BTreeMap, sync::Arc};

use sqlx::{Postgres, Sqlite, Transaction};

use crate::{
    archive::{Archive, Filing},
    log::batch::{Receipt, Refusal, SideError, SideRows, Turn, WriteTogether},
    service::governance::{Refused, overtaken},
    store::{Engine, StoreError, Tx, Work},
};

/// The code of a decision that a recovery has voided.
pub(super) const VOID: &str = "challenge.void";

/// A decision with what it rested on.
pub(super) struct DecisionRows {
    pub(super) log_id: i64,
    pub(super) archive: Archive,
    pub(super) filing: Filing,
    /// The project's governance epoch in which it was decided.
    pub(super) epoch: i64,
    /// The recovery epoch of its challenge.
    pub(super) recovery_epoch: i64,
    pub(super) decision: DecisionRow,
    pub(super) spent: SpentRow,
}

/// A row of `decision`, but for what the entry says.
pub(super) struct DecisionRow {
    pub(super) release_id: [u8; 16],
    pub(super) project: String,
    pub(super) purpose: &'static str,
    pub(super) reason: Option<&'static str>,
    pub(super) key_name: Option<String>,
    pub(super) key_version: Option<i64>,
    pub(super) policy_name: String,
    pub(super) policy_version: i64,
    pub(super) statement_sha384: [u8; 48],
    pub(super) header_sha384: Option<[u8; 48]>,
    /// The session that it opened, or belongs to; none of a denial.
    pub(super) session: Option<[u8; 16]>,
    pub(super) turn: i64,
    pub(super) proof_key: [u8; 32],
    pub(super) opens_until: i64,
    pub(super) proofs_until: i64,
}

/// A row of `spent_challenge`, but for what the entry says.
pub(super) struct SpentRow {
    pub(super) request_id: [u8; 32],
    pub(super) request_sha256: [u8; 32],
    pub(super) form: i64,
    pub(super) answer: Vec<u8>,
    pub(super) expires: i64,
}

impl SideRows for DecisionRows {
    fn write<'t>(&'t self, tx: &'t mut Tx<'_>, receipt: &'t Receipt) -> Work<'t, (), SideError> {
        Box::pin(async move {
            match write(tx, &[(self, receipt)]).await?.into_iter().next() {
                Some((_, refusal)) => Err(refusal.into()),
                None => Ok(()),
            }
        })
    }

    fn together(&self) -> Option<WriteTogether> {
        Some(|tx, turns| Box::pin(write_turns(tx, turns)))
    }
}

async fn write_turns(tx: &mut Tx<'_>, turns: &[Turn<'_>]) -> Result<Vec<(usize, Refusal)>, StoreError> {
    let mut decisions = Vec::with_capacity(turns.len());
    for (rows, receipt) in turns {
        let rows: &dyn Any = *rows;
        // They are handed over because they are of one type.
        let rows = rows.downcast_ref::<DecisionRows>().ok_or(StoreError::Corrupt { what: "side rows" })?;
        decisions.push((rows, *receipt));
    }
    write(tx, &decisions).await
}

/// A decision with where its entry stands.
pub(super) type Decided<'a> = (&'a DecisionRows, &'a Receipt);

/// Writes decisions, or gives those that are refused.
pub(super) async fn write(tx: &mut Tx<'_>, decisions: &[Decided<'_>]) -> Result<Vec<(usize, Refusal)>, StoreError> {
    let Some((first, _)) = decisions.first() else { return Ok(Vec::new()) };
    let refused = refused(tx, first.log_id, decisions).await?;
    if !refused.is_empty() {
        return Ok(refused);
    }
    let filings: Vec<_> = decisions.iter().map(|(rows, receipt)| (*receipt, &rows.filing)).collect();
    first.archive.write(tx, &filings).await.map_err(|error| match error {
        SideError::Store(error) => error,
        SideError::Refused(refusal) => {
            // A record and its commitment are made in one place, and no blob is named that is not sent.
            tracing::error!(%refusal, "the archive refused a decision");
            StoreError::Corrupt { what: "filing of a decision" }
        }
    })?;
    match &mut tx.on {
        Engine::Pg(tx) => write_pg(tx, first.log_id, decisions).await?,
        Engine::Lite(tx) => write_lite(tx, decisions).await?,
    }
    Ok(Vec::new())
}

/// Those whose project has another governance epoch now, or whose challenge is of another recovery epoch than the log.
async fn refused(tx: &mut Tx<'_>, log_id: i64, decisions: &[Decided<'_>]) -> Result<Vec<(usize, Refusal)>, StoreError> {
    const EPOCHS_PG: &str = "-- decision_epochs\nSELECT p.name, p.epoch, h.recovery_epoch FROM log_head h \
         JOIN project p ON p.name = ANY($2) WHERE h.log_id = $1";
    const EPOCHS_LITE: &str = "-- decision_epochs\nSELECT p.name, p.epoch, h.recovery_epoch FROM log_head h \
         JOIN project p ON p.name IN (SELECT value FROM json_each($2)) WHERE h.log_id = $1";
    let mut projects: Vec<&str> = decisions.iter().map(|(rows, _)| rows.decision.project.as_str()).collect();
    projects.sort_unstable();
    projects.dedup();
    let rows: Vec<(String, i64, i64)> = match &mut tx.on {
        Engine::Pg(tx) => sqlx::query_as(EPOCHS_PG).bind(log_id).bind(&projects).fetch_all(&mut **tx).await?,
        Engine::Lite(tx) => {
            let projects = serde_json::Value::from(projects).to_string();
            sqlx::query_as(EPOCHS_LITE).bind(log_id).bind(projects).fetch_all(&mut **tx).await?
        }
    };
    let epochs: BTreeMap<&str, (i64, i64)> =
        rows.iter().map(|(name, epoch, recovery)| (name.as_str(), (*epoch, *recovery))).collect();
    let refusal = |(rows, _): &Decided<'_>| match epochs.get(rows.decision.project.as_str()) {
        Some((_, recovery)) if *recovery != rows.recovery_epoch => {
            let detail = "the ledger was recovered meanwhile; ask for a new challenge".to_owned();
            Some(Refusal(Arc::new(Refused { code: VOID, detail })))
        }
        Some((epoch, _)) if *epoch == rows.epoch => None,
        _ => Some(Refusal(Arc::new(overtaken()))),
    };
    Ok(decisions.iter().enumerate().filter_map(|(place, decided)| Some((place, refusal(decided)?))).collect())
}

const SPENT_PG: &str = "-- decision_spent
INSERT INTO spent_challenge (request_id, request_sha256, entry_index, form, answer, expires)
SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::bigint[], $5::bytea[], $6::bigint[])";

const DECISION_PG: &str = "-- decision_write
INSERT INTO decision (log_id, release_id, entry_index, leaf_hash, project, time, purpose, reason, key_name, key_version,
    policy_name, policy_version, statement_sha384, header_sha384, session, turn, proof_key, recovery_epoch, opens_until,
    proofs_until)
SELECT $1, r.* FROM unnest($2::bytea[], $3::bigint[], $4::bytea[], $5::text[], $6::bigint[], $7::text[], $8::text[],
    $9::text[], $10::bigint[], $11::text[], $12::bigint[], $13::bytea[], $14::bytea[], $15::bytea[], $16::bigint[],
    $17::bytea[], $18::bigint[], $19::bigint[], $20::bigint[]) AS r";

/// A column of the decisions, as an array.
macro_rules! column {
    ($decisions:ident, |$rows:ident, $receipt:ident| $value:expr) => {
        $decisions.iter().map(|($rows, $receipt)| $value).collect::<Vec<_>>()
    };
}

async fn write_pg(
    tx: &mut Transaction<'static, Postgres>,
    log_id: i64,
    decisions: &[Decided<'_>],
) -> Result<(), StoreError> {
    let leaves = column!(decisions, |_rows, receipt| *receipt.entry.leaf_hash().as_bytes());
    let leaves: Vec<&[u8]> = leaves.iter().map(<[u8; 32]>::as_slice).collect();
    let indices = column!(decisions, |_rows, receipt| index(receipt));
    let insert = sqlx::query(DECISION_PG).bind(log_id);
    let insert = insert.bind(column!(decisions, |rows, _receipt| rows.decision.release_id.as_slice()));
    let insert = insert.bind(&indices).bind(leaves);
    let insert = insert.bind(column!(decisions, |rows, _receipt| rows.decision.project.as_str()));
    let insert = insert.bind(column!(decisions, |_rows, receipt| time(receipt)));
    let insert = insert.bind(column!(decisions, |rows, _receipt| rows.decision.purpose));
    let insert = insert.bind(column!(decisions, |rows, _receipt| rows.decision.reason));
    let insert = insert.bind(column!(decisions, |rows, _receipt| rows.decision.key_name.as_deref()));
    let insert = insert.bind(column!(decisions, |rows, _receipt| rows.decision.key_version));
    let insert = insert.bind(column!(decisions, |rows, _receipt| rows.decision.policy_name.as_str()));
    let insert = insert.bind(column!(decisions, |rows, _receipt| rows.decision.policy_version));
    let insert = insert.bind(column!(decisions, |rows, _receipt| rows.decision.statement_sha384.as_slice()));
    let insert = insert.bind(column!(decisions, |rows, _receipt| rows
        .decision
        .header_sha384
        .as_ref()
        .map(<[u8; 48]>::as_slice)));
    let insert =
        insert.bind(column!(decisions, |rows, _receipt| rows.decision.session.as_ref().map(<[u8; 16]>::as_slice)));
    let insert = insert.bind(column!(decisions, |rows, _receipt| rows.decision.turn));
    let insert = insert.bind(column!(decisions, |rows, _receipt| rows.decision.proof_key.as_slice()));
    let insert = insert.bind(column!(decisions, |rows, _receipt| rows.recovery_epoch));
    let insert = insert.bind(column!(decisions, |rows, _receipt| rows.decision.opens_until));
    let insert = insert.bind(column!(decisions, |rows, _receipt| rows.decision.proofs_until));
    insert.execute(&mut **tx).await?;
    let spent = sqlx::query(SPENT_PG);
    let spent = spent.bind(column!(decisions, |rows, _receipt| rows.spent.request_id.as_slice()));
    let spent = spent.bind(column!(decisions, |rows, _receipt| rows.spent.request_sha256.as_slice()));
    let spent = spent.bind(indices).bind(column!(decisions, |rows, _receipt| rows.spent.form));
    let spent = spent.bind(column!(decisions, |rows, _receipt| rows.spent.answer.as_slice()));
    let spent = spent.bind(column!(decisions, |rows, _receipt| rows.spent.expires));
    spent.execute(&mut **tx).await?;
    Ok(())
}

async fn write_lite(tx: &mut Transaction<'static, Sqlite>, decisions: &[Decided<'_>]) -> Result<(), StoreError> {
    const DECISION: &str = "-- decision_write\nINSERT INTO decision (log_id, release_id, entry_index, leaf_hash, project, time, \
         purpose, reason, key_name, key_version, policy_name, policy_version, statement_sha384, header_sha384, session, \
         turn, proof_key, recovery_epoch, opens_until, proofs_until) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)";
    const SPENT: &str = "-- decision_spent\nINSERT INTO spent_challenge (request_id, request_sha256, entry_index, form, answer, \
         expires) VALUES ($1, $2, $3, $4, $5, $6)";
    for (DecisionRows { log_id, recovery_epoch, decision, spent, .. }, receipt) in decisions {
        let leaf = receipt.entry.leaf_hash();
        let insert = sqlx::query(DECISION).bind(log_id).bind(decision.release_id.as_slice()).bind(index(receipt));
        let insert = insert.bind(leaf.as_bytes().as_slice()).bind(&decision.project).bind(time(receipt));
        let insert = insert.bind(decision.purpose).bind(decision.reason).bind(&decision.key_name);
        let insert = insert.bind(decision.key_version).bind(&decision.policy_name).bind(decision.policy_version);
        let insert = insert.bind(decision.statement_sha384.as_slice());
        let insert = insert.bind(decision.header_sha384.as_ref().map(<[u8; 48]>::as_slice));
        let insert = insert.bind(decision.session.as_ref().map(<[u8; 16]>::as_slice)).bind(decision.turn);
        let insert = insert.bind(decision.proof_key.as_slice()).bind(recovery_epoch).bind(decision.opens_until);
        insert.bind(decision.proofs_until).execute(&mut **tx).await?;
        let insert = sqlx::query(SPENT).bind(spent.request_id.as_slice()).bind(spent.request_sha256.as_slice());
        let insert = insert.bind(index(receipt)).bind(spent.form).bind(&spent.answer).bind(spent.expires);
        insert.execute(&mut **tx).await?;
    }
    Ok(())
}

fn index(receipt: &Receipt) -> i64 {
    i64::try_from(receipt.index).unwrap_or(i64::MAX)
}

fn time(receipt: &Receipt) -> i64 {
    i64::try_from(receipt.entry.time).unwrap_or(i64::MAX)
}
