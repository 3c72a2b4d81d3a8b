DROP TABLE archive_held_blob;
DROP TABLE archive_held_entry;
DROP TABLE archive_hold;
DROP TABLE archive_erased;
DROP TABLE archive_reference;
DROP TABLE archive_blob;
DROP TABLE archive_record;
DROP TABLE column_key;
