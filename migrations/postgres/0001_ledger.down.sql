DROP TABLE log_tile;
DROP TABLE log_request;
DROP TABLE log_batch;
DROP TABLE log_checkpoint;
DROP TABLE log_head;
