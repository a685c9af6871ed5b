-- As of span_links: links_compact.sql.
alter table {db}.traces
  modify setting min_bytes_for_wide_part = 1099511627776, min_rows_for_wide_part = 0, min_age_to_force_merge_seconds = 3600, min_age_to_force_merge_on_partition_only = 1
