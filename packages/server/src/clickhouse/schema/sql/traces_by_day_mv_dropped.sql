-- The receiver inserts the bounds before the spans (store/trace-bounds.ts): a view files them
-- behind, and a trace that a search had found was not found.
drop table if exists {db}.traces_by_day_mv
