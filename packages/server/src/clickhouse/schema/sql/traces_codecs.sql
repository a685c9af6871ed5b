-- As of span_links: links_codecs.sql.
alter table {db}.traces modify column start codec(T64, ZSTD(1)), modify column last_start codec(T64, ZSTD(1))
