-- What came when is asked of no trace: `received` is the day of its partition, and compresses to
-- nothing (0.3 B/span). Links have it so from the receiver (otlp/transcode.ts). A view of its own,
-- made before the one that it takes the place of goes: bounds that both file are the same. (After
-- `modify query` ClickHouse 26.7 forgets at its next start what the view stored under a token.)
create materialized view if not exists {db}.traces_by_day_mv to {db}.traces as
select trace_id, toStartOfDay(max(s.received)) as received, min(s.start) as start, max(s.start) as last_start
from {db}.spans as s
group by trace_id
