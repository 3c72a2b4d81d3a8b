//! What a further witness of a session writes. In: a decision and its turn; out: the turn taken, if it is the next of a
//! session that was not revoked, and the decision's rows.

use std::sync::Arc;

use super::rows::{self, DecisionRows};
use crate::{
    log::batch::{Receipt, Refusal, SideError, SideRows},
    service::governance::Refused,
    store::{Tx, Work, on},
};

/// A decision in a session.
pub(super) struct TurnRows {
    pub(super) session: [u8; 16],
    pub(super) turn: u64,
    pub(super) decision: DecisionRows,
}

impl SideRows for TurnRows {
    fn write<'t>(&'t self, tx: &'t mut Tx<'_>, receipt: &'t Receipt) -> Work<'t, (), SideError> {
        const TAKE: &str = "-- session_turn\nUPDATE decision SET next_turn = next_turn + 1 \
             WHERE release_id = $1 AND next_turn = $2 AND revoked IS NULL";
        Box::pin(async move {
            let turn = i64::try_from(self.turn).unwrap_or(i64::MAX);
            let taken = on!(&mut tx.on, tx => {
                sqlx::query(TAKE).bind(self.session.as_slice()).bind(turn).execute(&mut **tx).await?.rows_affected()
            });
            if taken == 0 {
                return Err(ended().into());
            }
            match rows::write(tx, &[(&self.decision, receipt)]).await?.into_iter().next() {
                Some((_, refusal)) => Err(refusal.into()),
                None => Ok(()),
            }
        })
    }
}

/// The refusal of what a session does not do any more.
pub(super) fn ended() -> Refusal {
    let detail = "the session was revoked, or this turn was taken".to_owned();
    Refusal(Arc::new(Refused { code: "release.session_ended", detail }))
}
