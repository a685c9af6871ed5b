-- insert/operations.ts in SQL, for one hour of arrival.
insert into {db}.operations
select service, name, kind, max(s.received) as received
from {db}.spans as s
where s._partition_id = '{day}' and toHour(s.received) = {hour}
group by service, name, kind
