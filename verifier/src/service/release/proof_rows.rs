//! What a registered proof writes in the transaction of its entry. In: a record and what was found about the proof; out:
//! the session's turn taken, and the rows written, if the session is live and this is its next record.

use super::session_rows::ended;
use crate::{
    archive::{Archive, Filing},
    log::batch::{Receipt, SideError, SideRows},
    store::{Tx, Work, on},
};

/// A row of `proof`, but for what the entry says.
pub(super) struct ProofRows {
    pub(super) log_id: i64,
    pub(super) archive: Archive,
    pub(super) filing: Filing,
    pub(super) project: String,
    pub(super) session: [u8; 16],
    pub(super) sequence: i64,
    pub(super) release_id: Vec<u8>,
    pub(super) record_sha256: [u8; 32],
    pub(super) proof_id: Option<[u8; 32]>,
    pub(super) statement_id: Option<[u8; 32]>,
    pub(super) system: Option<String>,
    pub(super) finding: &'static str,
    pub(super) code: Option<String>,
    pub(super) exit_status: i64,
}

impl SideRows for ProofRows {
    fn write<'t>(&'t self, tx: &'t mut Tx<'_>, receipt: &'t Receipt) -> Work<'t, (), SideError> {
        // The recovery epoch is compared here, under the head: a recovery ends every session.
        const TAKE: &str = "-- proof_turn\nUPDATE decision SET next_sequence = next_sequence + 1 \
             WHERE release_id = $1 AND session = $1 AND next_sequence = $2 AND revoked IS NULL \
             AND recovery_epoch = (SELECT recovery_epoch FROM log_head WHERE log_id = $3)";
        const INSERT: &str = "-- proof_write\nINSERT INTO proof (session, sequence, log_id, entry_index, leaf_hash, project, \
             time, release_id, record_sha256, proof_id, statement_id, system, finding, code, exit_status) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";
        Box::pin(async move {
            let session = self.session.as_slice();
            let taken = on!(&mut tx.on, tx => {
                let take = sqlx::query(TAKE).bind(session).bind(self.sequence).bind(self.log_id);
                take.execute(&mut **tx).await?.rows_affected()
            });
            if taken == 0 {
                return Err(ended().into());
            }
            self.archive.write(tx, &[(receipt, &self.filing)]).await?;
            let leaf = receipt.entry.leaf_hash();
            let index = i64::try_from(receipt.index).unwrap_or(i64::MAX);
            let time = i64::try_from(receipt.entry.time).unwrap_or(i64::MAX);
            on!(&mut tx.on, tx => {
                let insert = sqlx::query(INSERT).bind(session).bind(self.sequence).bind(self.log_id).bind(index);
                let insert = insert.bind(leaf.as_bytes().as_slice()).bind(&self.project).bind(time);
                let insert = insert.bind(&self.release_id).bind(self.record_sha256.as_slice());
                let insert = insert.bind(self.proof_id.as_ref().map(<[u8; 32]>::as_slice));
                let insert = insert.bind(self.statement_id.as_ref().map(<[u8; 32]>::as_slice));
                let insert = insert.bind(&self.system).bind(self.finding).bind(&self.code).bind(self.exit_status);
                insert.execute(&mut **tx).await?;
            });
            Ok(())
        })
    }
}
