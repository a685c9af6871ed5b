create materialized view if not exists {db}.operations_mv to {db}.operations as
select service, name, kind, max(s.received) as received
from {db}.spans as s
group by service, name, kind
