-- In order of random ids a start follows from no other: what all have in common is all there is to
-- gain. 5.9 bytes instead of 7.
alter table {db}.span_links modify column start codec(T64, ZSTD(1))
