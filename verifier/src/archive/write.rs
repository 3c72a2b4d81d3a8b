//! The statements that archive filings. In: a transaction that has appended their entries; out: rows that are committed
//! with them. On PostgreSQL it is one statement for any number of filings, and a second one in front of it only if
//! there are blobs that are better asked for than sent; on SQLite, where a statement costs no round trip, one for each
//! row.

use std::{
    any::Any,
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use sqlx::{Postgres, Sqlite, Transaction};

use super::{Archive, ArchiveRefusal, Blob, BlobId, Filing, signed};
use crate::{
    log::batch::{Receipt, Refusal, SideError, SideRows, Turn, WriteTogether},
    store::{Engine, StoreError, Tx, Work},
};

/// From this many bytes on, a blob is sent only if the archive does not have it.
const ASK_FIRST: usize = 32 << 10;

/// A filing on its way into an archive, as side rows of the request that has its commitment.
pub struct Filed {
    log_id: i64,
    filing: Filing,
}

impl Archive {
    /// Side rows that archive `filing` with the entry that commits to it.
    #[must_use]
    pub fn file(&self, filing: Filing) -> Arc<Filed> {
        Arc::new(Filed { log_id: self.log_id, filing })
    }

    /// Archives filings with their entries, for side rows that write more than a filing.
    ///
    /// # Errors
    /// [`ArchiveRefusal::Commitment`], [`ArchiveRefusal::Missing`], and the database's.
    pub async fn write(&self, tx: &mut Tx<'_>, filings: &[(&Receipt, &Filing)]) -> Result<(), SideError> {
        write(tx, self.log_id, filings).await
    }
}

impl SideRows for Filed {
    fn write<'t>(&'t self, tx: &'t mut Tx<'_>, receipt: &'t Receipt) -> Work<'t, (), SideError> {
        Box::pin(async move { write(tx, self.log_id, &[(receipt, &self.filing)]).await })
    }

    fn together(&self) -> Option<WriteTogether> {
        Some(|tx, turns| Box::pin(write_turns(tx, turns)))
    }
}

/// Writes the filings of a batch. They are of one log, unless a caller has mixed up two archives; then each still goes to
/// its own.
async fn write_turns(tx: &mut Tx<'_>, turns: &[Turn<'_>]) -> Result<Vec<(usize, Refusal)>, StoreError> {
    let mut logs: BTreeMap<i64, (Vec<usize>, Vec<_>)> = BTreeMap::new();
    for (place, (rows, receipt)) in turns.iter().enumerate() {
        let rows: &dyn Any = *rows;
        if let Some(Filed { log_id, filing }) = rows.downcast_ref() {
            let (places, filings) = logs.entry(*log_id).or_default();
            places.push(place);
            filings.push((*receipt, filing));
        }
    }
    let mut refused = Vec::new();
    for (log_id, (places, filings)) in logs {
        for (at, refusal) in write_all(tx, log_id, &filings).await? {
            refused.extend(places.get(at).map(|place| (*place, Refusal(Arc::new(refusal)))));
        }
    }
    Ok(refused)
}

pub(super) async fn write(tx: &mut Tx<'_>, log_id: i64, filings: &[(&Receipt, &Filing)]) -> Result<(), SideError> {
    match write_all(tx, log_id, filings).await?.into_iter().next() {
        Some((_, refusal)) => Err(refusal.into()),
        None => Ok(()),
    }
}

/// A blob in a project.
type Name<'a> = (&'a str, BlobId);

/// Writes all filings, or none: then it gives the places of those that are refused.
async fn write_all<'a>(
    tx: &mut Tx<'_>,
    log_id: i64,
    filings: &[(&Receipt, &'a Filing)],
) -> Result<Vec<(usize, ArchiveRefusal)>, StoreError> {
    let names = |ids: fn(&Filing) -> Vec<BlobId>| {
        let names = filings.iter().map(move |(_, filing)| (filing.project.as_str(), ids(filing)));
        names.flat_map(|(project, ids)| ids.into_iter().map(move |id| (project, id))).collect::<HashSet<Name<'a>>>()
    };
    let sent = names(|filing| filing.blobs.iter().map(Blob::id).collect());
    let mut asked = names(|filing| filing.named.clone());
    asked.retain(|name| !sent.contains(name));
    if matches!(tx.on, Engine::Pg(_)) {
        let is_large = |blob: &&Blob| blob.content().len() >= ASK_FIRST;
        for (_, filing) in filings {
            asked.extend(filing.blobs.iter().filter(is_large).map(|blob| (filing.project.as_str(), blob.id())));
        }
    }
    let asked: Vec<Name<'_>> = asked.into_iter().collect();
    let present = match &mut tx.on {
        _ if asked.is_empty() => HashSet::new(),
        Engine::Pg(tx) => present_pg(tx, log_id, &asked).await?,
        Engine::Lite(tx) => present_lite(tx, log_id, &asked).await?,
    };
    let check = |(receipt, filing): &(&Receipt, &Filing)| {
        // The entry and its record come from the same caller; this is where it would show if they did not belong together.
        if filing.commitment() != receipt.entry.draft.commitment {
            return Err(ArchiveRefusal::Commitment);
        }
        let is_missing = |id: &&BlobId| {
            let name = (filing.project.as_str(), **id);
            !present.contains(&name) && !sent.contains(&name)
        };
        filing.named.iter().find(is_missing).map_or(Ok(()), |id| Err(ArchiveRefusal::Missing { id: *id }))
    };
    let refused = filings.iter().enumerate().filter_map(|(place, one)| Some((place, check(one).err()?)));
    let refused: Vec<_> = refused.collect();
    if refused.is_empty() {
        match &mut tx.on {
            Engine::Pg(tx) => write_pg(tx, log_id, filings, present).await?,
            Engine::Lite(tx) => write_lite(tx, log_id, filings, present).await?,
        }
    }
    Ok(refused)
}

/// Which of the blobs that were asked for are there.
async fn present_pg<'a>(
    tx: &mut Transaction<'static, Postgres>,
    log_id: i64,
    asked: &[Name<'a>],
) -> Result<HashSet<Name<'a>>, StoreError> {
    const PRESENT: &str = "-- archive_present\nSELECT a.place - 1 FROM unnest($2::text[], $3::bytea[]) WITH ORDINALITY AS a \
         (project, digest, place) \
         JOIN archive_blob b ON b.log_id = $1 AND b.project = a.project AND b.digest = a.digest";
    let (projects, ids): (Vec<&str>, Vec<&[u8]>) =
        asked.iter().map(|(project, id)| (*project, id.as_bytes().as_slice())).unzip();
    let places: Vec<i64> =
        sqlx::query_scalar(PRESENT).bind(log_id).bind(projects).bind(ids).fetch_all(&mut **tx).await?;
    let name = |place: i64| usize::try_from(place).ok().and_then(|place| asked.get(place)).copied();
    Ok(places.into_iter().filter_map(name).collect())
}

async fn present_lite<'a>(
    tx: &mut Transaction<'static, Sqlite>,
    log_id: i64,
    asked: &[Name<'a>],
) -> Result<HashSet<Name<'a>>, StoreError> {
    const PRESENT: &str =
        "-- archive_present\nSELECT 1 FROM archive_blob WHERE log_id = $1 AND project = $2 AND digest = $3";
    let mut present = HashSet::new();
    for (project, id) in asked {
        let found = sqlx::query(PRESENT).bind(log_id).bind(*project).bind(&id.as_bytes()[..]);
        if found.fetch_optional(&mut **tx).await?.is_some() {
            present.insert((*project, *id));
        }
    }
    Ok(present)
}

/// A blob that is there already is the same: its name is its digest. Appends to one log stand in line, so none is erased
/// while this looks.
const WRITE: &str = "-- archive_write
WITH record AS (
    INSERT INTO archive_record (log_id, entry_index, project, time, retention, salt, record, blobs)
    SELECT $1, r.entry_index, r.project, r.time, r.retention, r.salt, r.record, r.blobs
    FROM unnest($2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::bytea[], $7::bytea[], $8::bytea[])
        AS r (entry_index, project, time, retention, salt, record, blobs)
), blob AS (
    INSERT INTO archive_blob (log_id, project, digest, kind, created, content)
    SELECT $1, b.project, b.digest, b.kind, b.created, b.content
    FROM unnest($9::text[], $10::bytea[], $11::bigint[], $12::bigint[], $13::bytea[])
        AS b (project, digest, kind, created, content)
    ON CONFLICT (log_id, project, digest) DO NOTHING
)
INSERT INTO archive_reference (log_id, project, digest, entry_index)
SELECT $1, f.project, f.digest, f.entry_index
FROM unnest($14::text[], $15::bytea[], $16::bigint[]) AS f (project, digest, entry_index)";

async fn write_pg<'a>(
    tx: &mut Transaction<'static, Postgres>,
    log_id: i64,
    filings: &[(&Receipt, &'a Filing)],
    mut there: HashSet<Name<'a>>,
) -> Result<(), StoreError> {
    let (mut records, mut blobs, mut references) = (Records::default(), Blobs::default(), References::default());
    for (receipt, filing) in filings {
        let (index, time, project) = (signed(receipt.index), signed(receipt.entry.time), filing.project.as_str());
        records.index.push(index);
        records.project.push(project);
        records.time.push(time);
        records.retention.push(filing.retention.number());
        records.salt.push(&filing.record.salt);
        records.record.push(&filing.record.bytes);
        records.blobs.push(concatenated(filing));
        for blob in filing.blobs.iter().filter(|blob| there.insert((project, blob.id()))) {
            blobs.project.push(project);
            blobs.digest.push(blob.id_bytes());
            blobs.kind.push(blob.kind().number());
            blobs.created.push(time);
            blobs.content.push(blob.content());
        }
        for id in filing.blobs.iter().map(Blob::id_bytes).chain(filing.named.iter().map(|id| &id.as_bytes()[..])) {
            references.project.push(project);
            references.digest.push(id);
            references.index.push(index);
        }
    }
    let Records { index, project, time, retention, salt, record, blobs: spoken_of } = records;
    let write = sqlx::query(WRITE).bind(log_id).bind(index).bind(project).bind(time).bind(retention);
    let write = write.bind(salt).bind(record).bind(spoken_of);
    let Blobs { project, digest, kind, created, content } = blobs;
    let write = write.bind(project).bind(digest).bind(kind).bind(created).bind(content);
    let References { project, digest, index } = references;
    write.bind(project).bind(digest).bind(index).execute(&mut **tx).await?;
    Ok(())
}

/// Rows of `archive_record`, by column.
#[derive(Default)]
struct Records<'a> {
    index: Vec<i64>,
    project: Vec<&'a str>,
    time: Vec<i64>,
    retention: Vec<i64>,
    salt: Vec<&'a [u8]>,
    record: Vec<&'a [u8]>,
    blobs: Vec<Vec<u8>>,
}

/// Rows of `archive_blob`, by column.
#[derive(Default)]
struct Blobs<'a> {
    project: Vec<&'a str>,
    digest: Vec<&'a [u8]>,
    kind: Vec<i64>,
    created: Vec<i64>,
    content: Vec<&'a [u8]>,
}

/// Rows of `archive_reference`, by column.
#[derive(Default)]
struct References<'a> {
    project: Vec<&'a str>,
    digest: Vec<&'a [u8]>,
    index: Vec<i64>,
}

async fn write_lite<'a>(
    tx: &mut Transaction<'static, Sqlite>,
    log_id: i64,
    filings: &[(&Receipt, &'a Filing)],
    mut there: HashSet<Name<'a>>,
) -> Result<(), StoreError> {
    const RECORD: &str = "-- archive_write\nINSERT INTO archive_record (log_id, entry_index, project, time, retention, salt, \
         record, blobs) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    const BLOB: &str = "-- archive_write\nINSERT INTO archive_blob (log_id, project, digest, kind, created, content) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (log_id, project, digest) DO NOTHING";
    const REFERENCE: &str = "-- archive_write\nINSERT INTO archive_reference (log_id, project, digest, entry_index) \
         VALUES ($1, $2, $3, $4)";
    for (receipt, filing) in filings {
        let (index, time, project) = (signed(receipt.index), signed(receipt.entry.time), filing.project.as_str());
        let record = sqlx::query(RECORD).bind(log_id).bind(index).bind(project).bind(time);
        let record = record.bind(filing.retention.number()).bind(&filing.record.salt[..]);
        record.bind(&filing.record.bytes[..]).bind(concatenated(filing)).execute(&mut **tx).await?;
        for blob in filing.blobs.iter().filter(|blob| there.insert((project, blob.id()))) {
            let insert = sqlx::query(BLOB).bind(log_id).bind(project).bind(blob.id_bytes());
            let insert = insert.bind(blob.kind().number()).bind(time).bind(blob.content());
            insert.execute(&mut **tx).await?;
        }
        for id in filing.blob_ids() {
            let insert = sqlx::query(REFERENCE).bind(log_id).bind(project).bind(&id.as_bytes()[..]).bind(index);
            insert.execute(&mut **tx).await?;
        }
    }
    Ok(())
}

/// The names of a filing's blobs, one after the other.
fn concatenated(filing: &Filing) -> Vec<u8> {
    filing.blob_ids().flat_map(|id| *id.as_bytes()).collect()
}
