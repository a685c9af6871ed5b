-- The store tells of the operations of what it stores.
drop view if exists {db}.operations_mv
