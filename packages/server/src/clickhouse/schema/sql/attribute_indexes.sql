-- What lets a search for a value pass over the granules of a day that don't have it. A bloom filter
-- of the values: an inverted index costs ten times the bytes (20 B/span). One value in 400 is taken
-- for another, so of 100,000 granules some 250 are read in vain. Inserts don't build it, merges do:
-- parts that were never merged are small and new, and read whole. `attrs.values`, not
-- mapValues(attrs): an index on that would keep the engine from reading keys and values apart.
alter table {db}.spans
  add index if not exists attr_values attrs.values type bloom_filter(0.0025) granularity 1,
  -- An element of an array is no value by itself, and a double is compared as a number: granules
  -- without any are ruled out here.
  add index if not exists attr_arrays position(attr_types, 'a') type minmax granularity 1,
  add index if not exists attr_doubles position(attr_types, 'd') type minmax granularity 1,
  -- A resource's attribute is sought by the sources that have it.
  add index if not exists sources source_id type bloom_filter(0.01) granularity 1
