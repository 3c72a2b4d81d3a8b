//! From two instants to the entries between them. Times of entries never go back, so the borders are found by halving.

use prooftrail_result::Timestamp;

use crate::{
    log::{database::LogDatabase, entry::Entry},
    service::{call::Call, problem::Problem},
    store::StoreError,
};

/// What a report covers.
pub(super) struct Range {
    /// The first instant.
    pub(super) from: Timestamp,
    /// The first instant after it.
    pub(super) to: Timestamp,
    /// The first and the last entry in it, of whatever project.
    pub(super) indices: Option<(u64, u64)>,
    /// So many entries the ledger has; what came later is not looked at.
    pub(super) size: u64,
}

impl Range {
    /// The one that is asked about, in a ledger of `size` entries.
    ///
    /// # Errors
    /// 400 for instants that are none, in the wrong order, or in the future: the same range must have the same entries
    /// whenever it is asked about.
    pub(super) async fn of(call: &Call, size: u64) -> Result<Self, Problem> {
        let instant = |name: &str| {
            let text = call.query.get(name).map(String::as_str).unwrap_or_default();
            text.parse::<Timestamp>()
                .map_err(|_| Problem::bad_request("report.range", format!("{name} is an instant, as RFC 3339 has it")))
        };
        let (from, to) = (instant("from")?, instant("to")?);
        if from >= to {
            return Err(Problem::bad_request("report.range", "the range ends before it begins"));
        }
        if to.unix_millis() > call.now() {
            return Err(Problem::bad_request("report.range", "the range ends in the future"));
        }
        let log = &call.state.log;
        let (first, end) = (first_at(log, size, from).await?, first_at(log, size, to).await?);
        let indices = (first < end).then(|| (first, end.saturating_sub(1)));
        Ok(Self { from, to, indices, size })
    }

    /// The first index, and the one after the last; an empty range has none between them.
    pub(super) fn border(&self) -> (u64, u64) {
        self.indices.map_or((0, 0), |(first, last)| (first, last.saturating_add(1)))
    }

    /// The same as the store has them.
    pub(super) fn rows(&self) -> (i64, i64) {
        let signed = |index: u64| i64::try_from(index).unwrap_or(i64::MAX);
        let (first, end) = self.border();
        (signed(first), signed(end))
    }
}

/// The index of the first entry that is not before `instant`; `size` if there is none.
async fn first_at(log: &LogDatabase, size: u64, instant: Timestamp) -> Result<u64, StoreError> {
    let corrupt = || StoreError::Corrupt { what: "log_batch" };
    let (mut low, mut high) = (0, size);
    while low < high {
        let middle = low + (high - low) / 2;
        let entries = log.entries(middle, middle + 1).await?;
        let entry = Entry::decode(entries.first().ok_or_else(corrupt)?).map_err(|_| corrupt())?;
        let is_before = i64::try_from(entry.time).is_ok_and(|time| time < instant.unix_millis());
        if is_before { low = middle + 1 } else { high = middle }
    }
    Ok(low)
}
