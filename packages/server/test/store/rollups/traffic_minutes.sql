-- insert/rollups/traffic-minutes.ts in SQL, for one hour of arrival.
insert into {db}.traffic_minutes
with
  s.messaging_operation in ('create', 'send', 'receive', 'process') and s.topic != '' as is_traffic,
  greatest(duration, 0) as length,
  attrs['messaging.batch.message_count'] as batch,
  if(match(batch, '^[0-9]{1,9}$'), toUInt64OrZero(batch), 1) as about,
  -- Upper bits of a Float64: exponent and four bits of the fraction.
  if(length = 0, 0, 1 + bitShiftRight(reinterpretAsUInt64(toFloat64(length)), 48) - 16368) as bucket
select toUInt32(intDiv(start, 60000000000)) as minute, max(s.received) as received, s.topic as topic,
  if(s.messaging_operation = 'process' and batch != '', 'receive', s.messaging_operation) as messaging_operation,
  messaging_system, consumer_group, service, cluster, count() as spans, countIf(status = 'error') as errors,
  sum(about) as messages, sumIf(about, status = 'error') as failed_messages,
  sumMapIf(map(toUInt16(bucket), toUInt64(1)), is_traffic) as durations,
  maxIf((length, trace_id, span_id), is_traffic) as slowest,
  maxIf((trace_id, span_id), is_traffic and status = 'error') as failed
from {db}.spans as s
where s._partition_id = '{day}' and toHour(s.received) = {hour}
group by minute, topic, messaging_operation, messaging_system, consumer_group, service, cluster
