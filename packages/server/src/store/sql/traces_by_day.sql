-- What came when is asked of no trace: `received` is the day of its partition, and compresses to nothing (0.3 B/span). Links have it so from the receiver (otlp/transcode.ts).
alter table {db}.traces_mv modify query
select trace_id, toStartOfDay(max(s.received)) as received, min(s.start) as start, max(s.start) as last_start
from {db}.spans as s
group by trace_id
