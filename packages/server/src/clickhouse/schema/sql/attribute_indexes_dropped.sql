alter table {db}.spans
  drop index if exists attr_values,
  drop index if exists attr_arrays,
  drop index if exists attr_doubles
