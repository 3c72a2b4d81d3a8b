-- The ledger (docs/ledger.md). Times are milliseconds since the Unix epoch; sizes and indices count leaves.

-- The head of each log. What it says of the database is what it was when the last entry was committed.
CREATE TABLE log_head (
    log_id            BIGINT NOT NULL PRIMARY KEY,
    origin            TEXT    NOT NULL UNIQUE,
    size              BIGINT NOT NULL CHECK (size > 0),
    root              BYTEA   NOT NULL CHECK (length(root) = 32),
    frontier          BYTEA   NOT NULL,
    time              BIGINT NOT NULL,
    recovery_epoch    BIGINT NOT NULL,
    database_id       BYTEA   NOT NULL CHECK (length(database_id) = 16),
    system_identifier BIGINT NOT NULL,
    timeline          BIGINT NOT NULL
) WITH (fillfactor = 10); -- updated with every batch: room for the versions of the row in its page

-- One root for each size that was ever a head: the engine itself refuses a fork.
CREATE TABLE log_checkpoint (
    log_id BIGINT NOT NULL,
    size   BIGINT NOT NULL,
    root   BYTEA   NOT NULL CHECK (length(root) = 32),
    PRIMARY KEY (log_id, size)
);

-- The entries, a row for each batch: each entry behind its length in two bytes, big-endian.
CREATE TABLE log_batch (
    log_id  BIGINT NOT NULL,
    start   BIGINT NOT NULL,
    count   BIGINT NOT NULL CHECK (count > 0),
    entries BYTEA   NOT NULL,
    PRIMARY KEY (log_id, start)
);

-- Hashes and signatures do not compress, and parts of a batch are read.
ALTER TABLE log_batch ALTER COLUMN entries SET STORAGE EXTERNAL;

-- Which request became which entry: a request is appended once.
CREATE TABLE log_request (
    log_id      BIGINT NOT NULL,
    project     TEXT    NOT NULL,
    request_id  BYTEA   NOT NULL CHECK (length(request_id) = 32),
    entry_index BIGINT NOT NULL,
    PRIMARY KEY (log_id, project, request_id)
);

-- Full tiles of hashes, 256 · 32 bytes: a pure function of the entries, so that any of them may be lost.
CREATE TABLE log_tile (
    log_id     BIGINT NOT NULL,
    level      BIGINT NOT NULL,
    tile_index BIGINT NOT NULL,
    hashes     BYTEA   NOT NULL CHECK (length(hashes) = 8192),
    PRIMARY KEY (log_id, level, tile_index)
);
