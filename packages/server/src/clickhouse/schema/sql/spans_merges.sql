-- Merges of ten parts instead of five: of 80 inserts a row was merged 1.0 times until the last came
-- instead of 1.7, and each time costs 2 to 3 us a span, with the index of values 0.5 more. There
-- are up to twice as many parts meanwhile; a trace's bucket is in few of them.
alter table {db}.spans modify setting merge_selector_base = 10
