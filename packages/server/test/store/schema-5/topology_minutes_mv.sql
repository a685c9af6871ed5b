create materialized view if not exists {db}.topology_minutes_mv to {db}.topology_minutes as
select toUInt32(intDiv(start, 60000000000)) as minute, max(s.received) as received, topic,
  -- A batch is taken once and its messages are processed one by one, or the batch is all there is:
  -- counted like a `receive`, it doesn't add to them and still stands where they have no spans.
  if(s.messaging_operation = 'process' and attrs['messaging.batch.message_count'] != '', 'receive',
    s.messaging_operation) as messaging_operation,
  messaging_system, consumer_group, service, count() as spans, countIf(status = 'error') as errors,
  quantilesTDigestState(0.5, 0.95, 0.99)(greatest(duration, 0)) as durations,
  argMaxState((trace_id, span_id), greatest(duration, 0)) as slowest,
  argMaxState((trace_id, span_id), toUInt8(status = 'error')) as failed
from {db}.spans as s
group by minute, topic, messaging_operation, messaging_system, consumer_group, service
