create materialized view if not exists {db}.traces_mv to {db}.traces as
select trace_id, max(s.received) as received, min(s.start) as start, max(s.start) as last_start
from {db}.spans as s
group by trace_id
