-- What lets a search for a value pass over most of a day: bloom filters of the attributes' values
-- and of the letters of their types, since an array or a double may be equal to a value that it
-- isn't spelled as. (A resource's value is sought by `source_id`.)
-- query/traceql/compile/spans-that-may.ts asks by each alone. One filter for eight granules: a
-- search of a day reads an eighth as many as with one for each (100M spans: 230 ms of CPU instead
-- of 330 for one value), and values that repeat are in one filter, so that one in 1,000 taken for
-- another costs 2.7 B/span, as one in 400 did before. Inserts don't build them, merges do: parts
-- that were never merged are small and new, and read whole. Each of one column, since the columns
-- of an index of several are merged row by row: 1.5 us of CPU a span more.
alter table {db}.spans
  add index if not exists attribute_values attrs.values type bloom_filter(0.001) granularity 8,
  add index if not exists attribute_letters splitByString('', attr_types) type bloom_filter(0.001) granularity 8
