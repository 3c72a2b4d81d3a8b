-- Secret columns and the archive (docs/archive.md). Times are milliseconds since the Unix epoch.

-- The data keys of secret columns, each wrapped under the key-encryption key. The newest encrypts, all decrypt.
CREATE TABLE column_key (
    number     BIGINT NOT NULL PRIMARY KEY CHECK (number > 0),
    key_id     BYTEA NOT NULL UNIQUE CHECK (length(key_id) = 16),
    kek_id     TEXT NOT NULL,
    wrapped    BYTEA NOT NULL CHECK (length(wrapped) BETWEEN 1 AND 1024),
    handed_out BIGINT NOT NULL CHECK (handed_out BETWEEN 0 AND 4294967296), -- encryptions that processes may have made
    created    BIGINT NOT NULL
);

-- The record that an entry commits to. Once it is erased, the row is its tombstone.
CREATE TABLE archive_record (
    log_id      BIGINT NOT NULL,
    entry_index BIGINT NOT NULL CHECK (entry_index >= 0),
    project     TEXT NOT NULL,
    time        BIGINT NOT NULL CHECK (time >= 0), -- the entry's
    retention   BIGINT NOT NULL,
    salt        BYTEA CHECK (length(salt) = 32),
    record      BYTEA,
    blobs       BYTEA NOT NULL, -- the digests of the blobs it speaks of, 32 bytes each
    erased_by   BIGINT CHECK (erased_by > entry_index), -- the erasure's entry
    erased_at   BIGINT,
    erased_why  TEXT,
    PRIMARY KEY (log_id, entry_index),
    CHECK ((salt IS NULL) = (record IS NULL) AND (salt IS NULL) = (erased_by IS NOT NULL)
        AND (erased_by IS NULL) = (erased_at IS NULL) AND (erased_by IS NULL) = (erased_why IS NULL))
);

-- What records speak of, by the SHA-256 of its content.
CREATE TABLE archive_blob (
    log_id  BIGINT NOT NULL,
    project TEXT NOT NULL,
    digest  BYTEA NOT NULL CHECK (length(digest) = 32),
    kind    BIGINT NOT NULL,
    created BIGINT NOT NULL,
    content BYTEA NOT NULL,
    PRIMARY KEY (log_id, project, digest)
);

-- Which records that are not erased speak of which blobs: a blob goes with the last of them.
CREATE TABLE archive_reference (
    log_id      BIGINT NOT NULL,
    project     TEXT NOT NULL,
    digest      BYTEA NOT NULL,
    entry_index BIGINT NOT NULL,
    PRIMARY KEY (log_id, project, digest, entry_index)
);

-- Blobs that were erased, and by which entry. The same content may be archived again later.
CREATE TABLE archive_erased (
    log_id    BIGINT NOT NULL,
    project   TEXT NOT NULL,
    digest    BYTEA NOT NULL,
    kind      BIGINT NOT NULL,
    erased_by BIGINT NOT NULL,
    erased_at BIGINT NOT NULL,
    PRIMARY KEY (log_id, project, digest, erased_by)
);

-- Legal holds, each named by the index of the entry that placed it.
CREATE TABLE archive_hold (
    log_id      BIGINT NOT NULL,
    placed_by   BIGINT NOT NULL,
    project     TEXT NOT NULL,
    released_by BIGINT CHECK (released_by > placed_by),
    PRIMARY KEY (log_id, placed_by)
);

CREATE TABLE archive_held_entry (
    log_id      BIGINT NOT NULL,
    entry_index BIGINT NOT NULL,
    placed_by   BIGINT NOT NULL,
    PRIMARY KEY (log_id, entry_index, placed_by)
);

CREATE TABLE archive_held_blob (
    log_id    BIGINT NOT NULL,
    project   TEXT NOT NULL,
    digest    BYTEA NOT NULL,
    placed_by BIGINT NOT NULL,
    PRIMARY KEY (log_id, project, digest, placed_by)
);

-- Evidence, certificates and ciphertexts do not compress; trying costs more than storing them as they are.
ALTER TABLE archive_blob ALTER COLUMN content SET STORAGE EXTERNAL;
