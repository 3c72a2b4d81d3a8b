DROP TABLE witness_key_version;
DROP TABLE witness_key;
DROP TABLE policy_version;
DROP TABLE policy;
DROP TABLE token;
DROP TABLE project;
