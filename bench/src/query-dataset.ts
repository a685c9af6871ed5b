import { type Client, indexSpans, insertDerivedRows, openDatasetStore, untilMerged } from './dataset-store.ts'

export type Dataset = {
  readonly spans: number
  readonly startNano: bigint
  readonly endNano: bigint
  readonly users: number
  readonly bytesOnDisk: number
  readonly bytesByTable: Readonly<Record<string, number>>
  /** IDs of traces: any, link targets, ones that have a span with 1,000 links, and the largest. */
  readonly ids: {
    readonly any: string[]
    readonly linkedTo: string[]
    readonly wide: string[]
    readonly large: string[]
  }
}

const BLOCK = 1_000_000
const DAY_NANO = 86_400_000_000_000n
const SPANS_PER_TRACE = 8
export const SERVICES = 30
export const OPERATIONS = 12

/** Sizes and counts of large traces, in addition to the typical ones. */
const LARGE: readonly (readonly [spans: number, traces: number])[] = [
  [100_000, 2],
  [10_000, 10],
  [1_000, 100],
]

/**
 * Writes a day of spans into an empty data directory, in blocks of a million in time order, as the
 * engine would merge received ones. All values derive from a span's number, so links need no
 * memory.
 */
export async function writeDataset(dir: string, spans: number, log: (line: string) => void): Promise<Dataset> {
  const { client, close } = await openDatasetStore(dir, log)
  const endNano = BigInt(Date.now()) * 1_000_000n
  const startNano = endNano - DAY_NANO
  const users = Math.max(1000, Math.floor(spans / 100))
  const times = { startNano, perTrace: (DAY_NANO * BigInt(SPANS_PER_TRACE)) / BigInt(spans), users }
  await client.command(sourcesSql())
  const startedAt = performance.now()
  for (let from = 0; from < spans; from += BLOCK) {
    const count = Math.min(BLOCK, spans - from)
    await client.command(spansSql(`select number as n from numbers(${from}, ${count})`, times), MEMORY)
    await client.command(linksSql(`select number as n from numbers(${from}, ${count}) where n % 4 = 1`, times), MEMORY)
    const seconds = (performance.now() - startedAt) / 1000
    if ((from / BLOCK) % 5 === 4)
      log(
        `${(from + count) / 1e6}M spans written in ${Math.round(seconds)} s, ${Math.round((seconds / (from + count)) * (spans - from - count))} s to go`,
      )
  }
  await writeLargeTraces(client, spans, times)
  await writeWideSpans(client, spans, times)
  await insertDerivedRows(client)
  await untilMerged(client)
  await indexSpans(client)
  const dataset = {
    spans,
    startNano,
    endNano,
    users,
    ...(await measureSizes(client)),
    ids: await pickTraceIds(client, spans),
  }
  await close()
  return dataset
}

type Times = { readonly startNano: bigint; readonly perTrace: bigint; readonly users: number }

const MEMORY = {
  max_memory_usage: '2000000000',
  max_insert_threads: '1',
  max_threads: 2,
  // The engine lacks the memory for it with blocks of a million rows: see indexSpans.
  materialize_skip_indexes_on_insert: 0,
} as const

const KINDS = `transform(n % 8, [0, 1, 2, 3, 4, 5], ['server', 'consumer', 'producer', 'client', 'internal', 'client'], 'internal')`

/** Columns of span number `n` of trace number `t`. */
function spanColumns({ startNano, perTrace }: Times): string {
  return `toUInt64(${startNano} + t * ${perTrace} + (n % 8) * (1000000 + sipHash64(n) % 5000000)) as start,
    toInt64(50000 + (sipHash64(n, 1) % 1000) * (sipHash64(n, 1) % 1000) * 50) as duration,
    concat('service-', toString(sipHash64(t, intDiv(n % 8, 2)) % ${SERVICES})) as service,
    concat(${KINDS}, ' operation-', toString(sipHash64(n, 2) % ${OPERATIONS})) as name, ${KINDS} as kind,
    if(sipHash64(n, 3) % 50 = 0, 'error', 'unset') as status`
}

const parentNumber = 'n - n % 8 + intDiv(n % 8 - 1, 2)'
const spanId = (number: string): string => `reinterpretAsFixedString(sipHash64(toUInt64(${number}), 7))`
const traceId = (number: string): string => `sipHash128(toUInt64(${number}))`

function spansSql(numbers: string, times: Times, trace = `intDiv(n, ${SPANS_PER_TRACE})`): string {
  return `insert into spans (received, trace_id, span_id, parent_span_id, start, duration, kind, status, service, name, source_id, attrs)
    select toDateTime(intDiv(start, 1000000000), 'UTC'), ${traceId('t')}, ${spanId('n')},
      if(n % 8 = 0, toFixedString('', 8), ${spanId(parentNumber)}), start, duration, kind, status, service, name,
      1 + sipHash64(service) % ${SERVICES}, ${attributes(times.users)}
    from (select n, t, ${spanColumns(times)} from (select n, ${trace} as t from (${numbers})))`
}

function attributes(users: number): string {
  const messaging = `map('messaging.system', 'kafka', 'messaging.destination.name', concat('topic-', toString(sipHash64(n, 4) % 40)),
    'messaging.operation.type', if(kind = 'producer', 'send', 'process'), 'messaging.destination.partition.id', toString(sipHash64(n, 5) % 12),
    'messaging.kafka.offset', toString(100000 + intDiv(n, 100)), 'messaging.consumer.group.name', service,
    'messaging.kafka.message.key', concat('order-', toString(sipHash64(t, 6) % 1000000)), 'messaging.message.body.size', toString(120 + sipHash64(n, 7) % 4000),
    'server.address', concat('kafka-', toString(sipHash64(n, 8) % 6), '.internal'), 'user.id', concat('user-', toString(sipHash64(t, 9) % ${users})))`
  const other = `map('http.request.method', ['GET', 'POST', 'PUT'][1 + sipHash64(n, 4) % 3], 'http.route', concat('/api/', name, '/{id}'),
    'url.path', concat('/api/', name, '/', toString(sipHash64(n, 5) % 100000)), 'http.response.status_code', ['200', '201', '404'][1 + sipHash64(n, 6) % 3],
    'server.address', concat(service, '.shop.example'), 'server.port', '8443', 'network.protocol.version', '2',
    'client.address', concat('10.', toString(sipHash64(t, 10) % 4), '.', toString(sipHash64(t, 11) % 250)),
    'app.region', ['eu-west-1', 'us-east-1'][1 + sipHash64(t, 12) % 2], 'user.id', concat('user-', toString(sipHash64(t, 9) % ${users})))`
  return `if(kind in ('producer', 'consumer'), ${messaging}, ${other})`
}

/** Links each linked span to a producer of an earlier trace. */
function linksSql(numbers: string, times: Times, producer = 'sipHash64(n, 13) % greatest(t, 1)'): string {
  return `insert into span_links (received, trace_id, direction, span_id, peer_trace_id, peer_span_id, start, duration, service, name, kind, status, ordinal, attrs)
    select toStartOfDay(toDateTime(intDiv(start, 1000000000), 'UTC')), ends.1, ends.2, ends.3, ends.4, ends.5, start, duration, service, name, kind, status, ordinal,
      map('messaging.destination.name', concat('topic-', toString(sipHash64(n, 4) % 40)), 'messaging.kafka.offset', toString(100000 + intDiv(n, 100)))
    from (select n, ordinal, ${spanColumns(times)}, arrayJoin([
        (${traceId('t')}, 'out', ${spanId('n')}, ${traceId('p')}, ${spanId('p * 8 + 2')}),
        (${traceId('p')}, 'in', ${spanId('p * 8 + 2')}, ${traceId('t')}, ${spanId('n')})]) as ends
      from (select n, ordinal, t, ${producer} as p
        from (select n, intDiv(n, ${SPANS_PER_TRACE}) as t, ${numbers.includes('ordinal') ? 'ordinal' : '0 as ordinal'} from (${numbers}))))`
}

function sourcesSql(): string {
  return `insert into sources (source_id, received, service, resource_attrs, scope_name)
    select 1 + number, now(), concat('service-', toString(number)),
      map('service.name', concat('service-', toString(number)), 'service.version', '1.2.3', 'host.name', concat('host-', toString(number))), 'bench'
    from numbers(${SERVICES})`
}

async function writeLargeTraces(client: Client, spans: number, times: Times): Promise<void> {
  let from = spans * 2
  for (const [size, traces] of LARGE) {
    const numbers = `select number as n from numbers(${from}, ${size * traces})`
    // Numbers beyond the typical ones. The trace is an explicit expression; its time is `t` modulo
    // the day.
    const trace = `intDiv(n - ${from}, ${size}) * 1009 + ${size}`
    await client.command(spansSql(numbers, times, trace), MEMORY)
    from += size * traces
  }
}

const WIDE = 20

/** Adds 1,000 links to the first span of some traces. */
async function writeWideSpans(client: Client, spans: number, times: Times): Promise<void> {
  const numbers = `select toUInt64(intDiv(number, 1000) * ${Math.floor(spans / WIDE / 8) * 8}) as n, toUInt32(number % 1000) as ordinal from numbers(${WIDE * 1000})`
  await client.command(linksSql(numbers, times, `(sipHash64(n, ordinal) % ${Math.floor(spans / 8)})`), MEMORY)
}

async function measureSizes(client: Client): Promise<Pick<Dataset, 'bytesOnDisk' | 'bytesByTable'>> {
  const rows = await client.query<{ table: string; bytes: string }>(
    `select table, sum(bytes_on_disk) as bytes from system.parts where active and database = 'spanlink' group by table order by bytes desc`,
  )
  const bytesByTable = Object.fromEntries(rows.map((row) => [row.table, Number(row.bytes)]))
  return { bytesByTable, bytesOnDisk: rows.reduce((sum, row) => sum + Number(row.bytes), 0) }
}

const IDS = 1000

async function pickTraceIds(client: Client, spans: number): Promise<Dataset['ids']> {
  const traces = Math.floor(spans / SPANS_PER_TRACE)
  const ids = async (numbers: string): Promise<string[]> => {
    const rows = await client.query<{ id: string }>(
      `select distinct lower(hex(${traceId('t')})) as id from (${numbers})`,
    )
    return rows.map((row) => row.id)
  }
  return {
    any: await ids(`select sipHash64(number, 'any') % ${traces} as t from numbers(${IDS})`),
    linkedTo: await ids(
      `select sipHash64(n, 13) % greatest(intDiv(n, 8), 1) as t from (select sipHash64(number, 'linked') % ${Math.floor(spans / 4)} * 4 + 1 as n from numbers(${IDS}))`,
    ),
    wide: await ids(`select intDiv(number * ${Math.floor(spans / WIDE / 8) * 8}, 8) as t from numbers(${WIDE})`),
    large: await ids(`select arrayJoin([${LARGE.map(([size]) => size).join(', ')}]) as t`),
  }
}
