-- What the store tells of a segment's operations (operations.ts), of all spans of an hour of
-- arrival that are stored already.
insert into {db}.operations
select service, name, kind, max(s.received) as received
from {db}.spans as s
where s._partition_id = '{day}' and toHour(s.received) = {hour}
group by service, name, kind
