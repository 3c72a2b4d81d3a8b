-- The service (docs/http.md). Times are milliseconds since the Unix epoch.

-- Tenants. The epoch counts the changes of a project's policies and keys.
CREATE TABLE project (
    name    TEXT    NOT NULL PRIMARY KEY,
    epoch   INTEGER NOT NULL DEFAULT 0,
    created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO project (name, created) VALUES ('default', 0);

-- Bearer tokens, by their hash. A token for every project has the project '*'.
CREATE TABLE token (
    id         TEXT    NOT NULL PRIMARY KEY,
    sha256     BLOB    NOT NULL UNIQUE CHECK (length(sha256) = 32),
    project    TEXT    NOT NULL,
    label      TEXT    NOT NULL,
    roles      TEXT    NOT NULL,
    created    INTEGER NOT NULL,
    created_by TEXT    NOT NULL,
    expires    INTEGER,
    revoked    INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX token_project ON token (project);

-- Policies: each text that was uploaded is a version; at most one is in force.
CREATE TABLE policy (
    project TEXT    NOT NULL REFERENCES project (name),
    name    TEXT    NOT NULL,
    active  INTEGER,
    PRIMARY KEY (project, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE policy_version (
    project     TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    version     INTEGER NOT NULL,
    digest      BLOB    NOT NULL CHECK (length(digest) = 48),
    text_sha256 BLOB    NOT NULL CHECK (length(text_sha256) = 32),
    text        TEXT    NOT NULL,
    created     INTEGER NOT NULL,
    created_by  TEXT    NOT NULL,
    entry_index INTEGER NOT NULL,
    PRIMARY KEY (project, name, version),
    UNIQUE (project, name, text_sha256),
    FOREIGN KEY (project, name) REFERENCES policy (project, name)
) STRICT, WITHOUT ROWID;

-- Witness keys: each names one policy. The identity is encrypted under the key-encryption key.
CREATE TABLE witness_key (
    project TEXT    NOT NULL REFERENCES project (name),
    name    TEXT    NOT NULL,
    policy  TEXT    NOT NULL,
    created INTEGER NOT NULL,
    PRIMARY KEY (project, name),
    FOREIGN KEY (project, policy) REFERENCES policy (project, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE witness_key_version (
    project     TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    version     INTEGER NOT NULL,
    recipient   TEXT    NOT NULL UNIQUE,
    identity    BLOB    NOT NULL,
    created     INTEGER NOT NULL,
    created_by  TEXT    NOT NULL,
    revoked     INTEGER,
    entry_index INTEGER NOT NULL,
    PRIMARY KEY (project, name, version),
    FOREIGN KEY (project, name) REFERENCES witness_key (project, name)
) STRICT;
