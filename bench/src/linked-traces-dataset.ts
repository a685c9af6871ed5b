import { indexSpans, insertDerivedRows, openDatasetStore, untilMerged } from './dataset-store.ts'

const BLOCK = 500_000
const MINUTE_NANO = 60_000_000_000n
const HOUR_NANO = 60n * MINUTE_NANO

/**
 * An order is four traces: a request that sends two messages, and three consumer groups that
 * consume both.
 */
const SPANS_PER_TRACE = 8
const SPANS_PER_ORDER = 4 * SPANS_PER_TRACE
export const TOPICS = 100

export type LinkedTracesDataset = { readonly startNano: bigint; readonly endNano: bigint }

/**
 * Writes an hour of message traffic into an empty data directory: 100 topics with three consumer
 * groups each, one link per delivery. See `spanColumns` for late, retried and lost ones.
 */
export async function writeLinkedTraces(
  dir: string,
  spans: number,
  log: (line: string) => void,
): Promise<LinkedTracesDataset> {
  const { client, close } = await openDatasetStore(dir, log)
  const endNano = ((BigInt(Date.now()) * 1_000_000n) / MINUTE_NANO) * MINUTE_NANO
  const startNano = endNano - HOUR_NANO
  const perOrder = (HOUR_NANO * BigInt(SPANS_PER_ORDER)) / BigInt(spans)
  for (let from = 0; from < spans; from += BLOCK) {
    const numbers = `select number as n from numbers(${from}, ${Math.min(BLOCK, spans - from)})`
    await client.command(spansSql(numbers, startNano, perOrder), MEMORY)
    await client.command(linksSql(numbers, startNano, perOrder), MEMORY)
    if ((from / BLOCK) % 4 === 3) log(`${(from + BLOCK) / 1e6}M spans written`)
  }
  await insertDerivedRows(client)
  await untilMerged(client)
  await indexSpans(client)
  await close()
  return { startNano, endNano }
}

const MEMORY = {
  max_memory_usage: '900000000',
  max_insert_threads: '1',
  max_threads: 2,
  // The engine lacks the memory for it with such large blocks: see indexSpans.
  materialize_skip_indexes_on_insert: 0,
} as const

const traceId = (number: string): string => `sipHash128(toUInt64(${number}))`
const spanId = (number: string): string => `reinterpretAsFixedString(sipHash64(toUInt64(${number}), 7))`

/**
 * Columns of span number `n`: `q` the order, `r` 0 for the request and 1 to 3 for the groups'
 * traces, `s` the position in the trace, `j` the message (0 or 1).
 */
function spanColumns(startNano: bigint, perOrder: bigint): string {
  return `intDiv(n, 8) as t, intDiv(n, ${SPANS_PER_ORDER}) as q, t % 4 as r, n % 8 as s, intDiv(s, 4) as j,
    sipHash64(q, j) as m, m % ${TOPICS} as topic_number,
    m % 1000 = 0 as is_retried, is_retried and intDiv(m, 1000) % 10 = 0 as is_dead, m % 2000 = 1 as is_twice, m % 5000 = 2 as is_lost,
    if(r = 3 and is_retried, concat('topic-', toString(topic_number), '.retry'), concat('topic-', toString(topic_number))) as topic,
    if((r = 3 and is_retried) or (r = 2 and is_twice), 1, r) as group_number,
    concat('group-', toString(topic_number), '-', toString(group_number)) as consumer_group_name,
    r > 0 and s % 4 = 0 and not is_lost as consumes,
    r = 0 and s % 4 = 2 as sends,
    s % 4 = 1 and is_retried and (r = 1 or (r = 3 and is_dead)) as forwards,
    multiIf(consumes, 'consumer', sends or forwards, 'producer', s = 0, 'server', s % 2 = 1, 'client', 'internal') as kind,
    multiIf(forwards, if(r = 1, concat('topic-', toString(topic_number), '.retry'), concat('topic-', toString(topic_number), '.dlq')), topic) as destination,
    ${queueNano} as queue_time,
    toUInt64(${startNano} + q * ${perOrder} + r * 20000000 + queue_time + s * 1000000 + sipHash64(n) % 500000) as start,
    toInt64(50000 + (sipHash64(n, 1) % 1000) * (sipHash64(n, 1) % 1000) * 5) as duration,
    concat('service-', toString(if(r = 0, q % 10, 10 + (topic_number * 3 + group_number) % 40))) as service,
    multiIf(consumes, concat('process ', topic), sends or forwards, concat('send ', destination), concat(kind, ' operation-', toString(sipHash64(n, 2) % 12))) as name,
    if((consumes and is_retried and (r = 1 or is_dead and r = 3)) or sipHash64(n, 3) % 500 = 0, 'error', 'unset') as status`
}

/** Up to 300 ms; at least 12 s for one in two hundred. */
const queueNano = `if(r = 0, 0, if(m % 200 = 7 and r = 1, 12000000000 + m % 8000000000, m % 300000000))`

function spansSql(numbers: string, startNano: bigint, perOrder: bigint): string {
  const messaging = `map('messaging.system', 'kafka', 'messaging.destination.name', destination,
    'messaging.operation.type', if(consumes, 'process', 'send'), 'messaging.destination.partition.id', toString(sipHash64(n, 5) % 12),
    'messaging.kafka.offset', toString(100000 + q), 'messaging.consumer.group.name', if(consumes, consumer_group_name, ''),
    'messaging.kafka.message.key', concat('order-', toString(m % 1000000)), 'messaging.message.body.size', toString(120 + sipHash64(n, 7) % 4000),
    'server.address', concat('kafka-', toString(sipHash64(n, 8) % 6), '.internal'), 'user.id', concat('user-', toString(sipHash64(q, 9) % 100000)))`
  const other = `map('http.request.method', ['GET', 'POST', 'PUT'][1 + sipHash64(n, 4) % 3], 'http.route', concat('/api/', name, '/{id}'),
    'url.path', concat('/api/', name, '/', toString(sipHash64(n, 5) % 100000)), 'http.response.status_code', ['200', '201', '404'][1 + sipHash64(n, 6) % 3],
    'server.address', concat(service, '.shop.example'), 'server.port', '8443', 'network.protocol.version', '2',
    'client.address', concat('10.', toString(sipHash64(t, 10) % 4), '.', toString(sipHash64(t, 11) % 250)),
    'app.region', ['eu-west-1', 'us-east-1'][1 + sipHash64(t, 12) % 2], 'user.id', concat('user-', toString(sipHash64(q, 9) % 100000)))`
  return `insert into spans (received, trace_id, span_id, parent_span_id, start, duration, kind, status, service, name, source_id, attrs)
    select toDateTime(intDiv(start, 1000000000), 'UTC'), ${traceId('t')}, ${spanId('n')},
      if(s = 0, toFixedString('', 8), ${spanId('n - s + intDiv(s - 1, 2)')}), start, duration, kind, status, service, name,
      1, if(consumes or sends or forwards, ${messaging}, ${other})
    from (select n, ${spanColumns(startNano, perOrder)} from (${numbers}))`
}

/**
 * Links each consuming span to the span that sent the message: the request's, or for a retry the
 * failed group's.
 */
function linksSql(numbers: string, startNano: bigint, perOrder: bigint): string {
  const creator = `if(r = 3 and is_retried, q * ${SPANS_PER_ORDER} + 8 + 4 * j + 1, q * ${SPANS_PER_ORDER} + 4 * j + 2)`
  return `insert into span_links (received, trace_id, direction, span_id, peer_trace_id, peer_span_id, start, duration, service, name, kind, status, ordinal, attrs)
    select toStartOfDay(toDateTime(intDiv(start, 1000000000), 'UTC')), ends.1, ends.2, ends.3, ends.4, ends.5, start, duration, service, name, kind, status, 0,
      map('messaging.destination.name', topic, 'messaging.kafka.offset', toString(100000 + q))
    from (select n, ${spanColumns(startNano, perOrder)}, ${creator} as creator, arrayJoin([
        (${traceId('t')}, 'out', ${spanId('n')}, ${traceId('intDiv(creator, 8)')}, ${spanId('creator')}),
        (${traceId('intDiv(creator, 8)')}, 'in', ${spanId('creator')}, ${traceId('t')}, ${spanId('n')})]) as ends
      from (${numbers}) where consumes)`
}
