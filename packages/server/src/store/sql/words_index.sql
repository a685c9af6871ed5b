-- What lets a search for a value pass over most of a day: a bloom filter of what a span has of words. Its attributes' values; the letters of their types, since an
-- array or a double may equal a value that it isn't spelled as; the id of its source, whose resource may have the value; and one word that all have, for
-- questions that are about too many sources. Written by wordsOfSpan() of query/traceql/compile/words.ts: change both together.
-- One filter for eight granules: a search reads an eighth as many as with one for each, which is what it took most of its time for (100M spans: 80 ms
-- instead of 600 for a value that nobody has), and words that repeat are in one filter, so that one in 1,000 taken for another costs
-- 2.7 B/span, and one in 400 did before. And one index for all of it: of several in an `or`, each
-- for eight granules, ClickHouse 26.7 rules out one of the eight only.
-- Inserts don't build it, merges do: parts that were never merged are small and new, and read whole.
alter table {db}.spans
  add index if not exists words arrayConcat(attrs.values, splitByString('', attr_types), [toString(source_id), '*']) type bloom_filter(0.001) granularity 8
