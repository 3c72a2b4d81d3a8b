DROP TABLE refusal;
DROP TABLE proof;
DROP TABLE spent_challenge;
DROP TABLE decision;
