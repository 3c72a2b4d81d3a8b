//! The archive's scrubber: hashes every record and blob again, some at each step. In: an archive; out: what is not as it
//! was archived. It changes nothing, may stop anywhere, and goes on from where it stopped; what is archived or erased
//! meanwhile is no finding.

use super::{Archive, BlobId, Found, OpenedRecord, ReadError, read::unsigned, signed};
use crate::store::{StoreError, on};

/// How far a scrubber has come; a new one begins at the first record.
#[derive(Clone, Debug, Default)]
pub struct ArchiveScrubber {
    next_entry: u64,
    /// The blob after which it goes on, once the records are through.
    after: Option<(String, Vec<u8>)>,
    /// Records and blobs that were hashed.
    pub hashed: u64,
}

/// What is not as it was archived.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveFinding {
    /// What is stored as the entry's record is not what the entry commits to, or cannot be read as one.
    #[error("the record of entry {index} is damaged")]
    Record {
        /// The entry's index.
        index: u64,
    },
    /// What is stored under a name has another digest, or is no blob.
    #[error("blob {id} of project {project} is damaged")]
    Blob {
        /// Its project.
        project: String,
        /// Its name.
        id: BlobId,
    },
    /// A record that was not erased speaks of a blob that is not there.
    #[error("blob {id} of entry {index} is missing")]
    Missing {
        /// The entry's index.
        index: u64,
        /// The blob's name.
        id: BlobId,
    },
}

impl ArchiveScrubber {
    /// Looks at `limit` further records or blobs, and returns what it found; `None` once it has seen all.
    ///
    /// # Errors
    /// The database's. The step is made again then.
    pub async fn step(&mut self, archive: &Archive, limit: u32) -> Result<Option<Vec<ArchiveFinding>>, StoreError> {
        if self.after.is_none() {
            let records = self.records(archive, limit).await?;
            if records.is_some() {
                return Ok(records);
            }
            self.after = Some((String::new(), Vec::new()));
        }
        self.blobs(archive, limit).await
    }

    async fn records(&mut self, archive: &Archive, limit: u32) -> Result<Option<Vec<ArchiveFinding>>, StoreError> {
        const RECORDS: &str = "-- archive_scrub\nSELECT entry_index, project FROM archive_record \
             WHERE log_id = $1 AND entry_index >= $2 ORDER BY entry_index LIMIT $3";
        let rows: Vec<(i64, String)> = on!(archive.store.db(), pool => {
            let select = sqlx::query_as(RECORDS).bind(archive.log_id).bind(signed(self.next_entry));
            select.bind(i64::from(limit)).fetch_all(pool).await?
        });
        let Some((last, _)) = rows.last() else { return Ok(None) };
        let next_entry = unsigned(*last).saturating_add(1);
        let (mut findings, mut hashed) = (Vec::new(), 0);
        for (index, project) in rows {
            let index = unsigned(index);
            match archive.open(&project, index).await {
                Ok(Some(OpenedRecord::Present { blobs, .. })) => {
                    hashed += 1;
                    for id in blobs {
                        if !has(archive, &project, id).await? && !is_erased(archive, &project, index).await? {
                            findings.push(ArchiveFinding::Missing { index, id });
                        }
                    }
                }
                Ok(_) => {}
                Err(ReadError::Store(error @ (StoreError::Sql(_) | StoreError::OutcomeUnknown { .. }))) => {
                    return Err(error);
                }
                Err(_) => findings.push(ArchiveFinding::Record { index }),
            }
        }
        self.next_entry = next_entry;
        self.hashed += hashed;
        Ok(Some(findings))
    }

    async fn blobs(&mut self, archive: &Archive, limit: u32) -> Result<Option<Vec<ArchiveFinding>>, StoreError> {
        // Names only: a step holds one blob in memory at a time.
        const BLOBS: &str = "-- archive_scrub\nSELECT project, digest FROM archive_blob \
             WHERE log_id = $1 AND (project, digest) > ($2, $3) ORDER BY project, digest LIMIT $4";
        let (project, digest) = self.after.clone().unwrap_or_default();
        let rows: Vec<(String, Vec<u8>)> = on!(archive.store.db(), pool => {
            let select = sqlx::query_as(BLOBS).bind(archive.log_id).bind(project).bind(digest);
            select.bind(i64::from(limit)).fetch_all(pool).await?
        });
        let Some(last) = rows.last().cloned() else { return Ok(None) };
        let (mut findings, mut hashed) = (Vec::new(), 0);
        for (project, digest) in rows {
            let corrupt = |_| StoreError::Corrupt { what: "archive_blob.digest" };
            let id = BlobId::new(digest.try_into().map_err(corrupt)?);
            match archive.blob(&project, id).await {
                Ok(Some(Found::Present { .. })) => hashed += 1,
                Ok(Some(Found::Erased { .. })) => {}
                Err(ReadError::Store(error @ (StoreError::Sql(_) | StoreError::OutcomeUnknown { .. }))) => {
                    return Err(error);
                }
                // Listed and not erased, and yet not read: it is longer than any blob.
                Ok(None) | Err(_) => findings.push(ArchiveFinding::Blob { project, id }),
            }
        }
        self.after = Some(last);
        self.hashed += hashed;
        Ok(Some(findings))
    }
}

async fn has(archive: &Archive, project: &str, id: BlobId) -> Result<bool, StoreError> {
    const HAS: &str =
        "-- archive_scrub\nSELECT count(*) FROM archive_blob WHERE log_id = $1 AND project = $2 AND digest = $3";
    let count: i64 = on!(archive.store.db(), pool => {
        let count = sqlx::query_scalar(HAS).bind(archive.log_id).bind(project).bind(&id.as_bytes()[..]);
        count.fetch_one(pool).await?
    });
    Ok(count == 1)
}

async fn is_erased(archive: &Archive, project: &str, index: u64) -> Result<bool, StoreError> {
    Ok(matches!(archive.open(project, index).await, Ok(Some(OpenedRecord::Erased { .. }))))
}
