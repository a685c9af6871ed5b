import type { FastifyInstance } from 'fastify'
import { wantsPage } from '../ui-assets.ts'
import type { StatusSource } from '../routes/status.ts'

// https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

type Type = 'counter' | 'gauge'
type Status = Awaited<ReturnType<StatusSource['status']>>

/** What an operator of this server watches, in units of the name's suffix. */
const metrics: readonly (readonly [name: string, type: Type, help: string, value: (status: Status) => number])[] = [
  ['spanlink_ready', 'gauge', '1 while the store answers.', (s) => Number(s.engine.state === 'ready')],
  ['spanlink_uptime_seconds', 'gauge', 'Since the start.', (s) => s.uptimeSeconds],
  ['spanlink_engine_restarts_total', 'counter', 'Starts of the engine after it died.', (s) => s.engine.restarts],
  ['spanlink_ingest_requests_total', 'counter', 'Requests to the receivers.', (s) => s.ingest.requests],
  ['spanlink_ingest_spans_total', 'counter', 'Spans acknowledged.', (s) => s.ingest.spans],
  ['spanlink_ingest_rejected_spans_total', 'counter', 'Spans refused for good.', (s) => s.ingest.rejectedSpans],
  ['spanlink_ingest_logs_total', 'counter', 'Log records acknowledged.', (s) => s.ingest.logs],
  ['spanlink_ingest_rejected_logs_total', 'counter', 'Log records rejected.', (s) => s.ingest.rejectedLogs],
  ['spanlink_ingest_points_total', 'counter', 'Metric points acknowledged.', (s) => s.ingest.points],
  ['spanlink_ingest_rejected_points_total', 'counter', 'Points refused for good.', (s) => s.ingest.rejectedPoints],
  ['spanlink_ingest_bytes_total', 'counter', 'Bodies taken, decompressed.', (s) => s.ingest.bytes],
  [
    'spanlink_kafka_refused_messages_total',
    'counter',
    'Kafka messages that were no OTLP request.',
    (s) => s.kafka?.refusedMessages ?? 0,
  ],
  [
    'spanlink_kafka_quarantined_batches_total',
    'counter',
    'Kafka batches that cannot be read.',
    (s) => s.kafka?.quarantine.batches ?? 0,
  ],
  ['spanlink_journal_segments', 'gauge', 'Segments acknowledged and not yet stored.', (s) => s.journal.segments],
  ['spanlink_journal_bytes', 'gauge', 'Bytes acknowledged and not yet stored.', (s) => s.journal.bytes],
  ['spanlink_journal_torn_bytes_total', 'counter', 'Unfinished writes cut after a crash.', (s) => s.journal.tornBytes],
  [
    'spanlink_journal_unreadable_bytes_total',
    'counter',
    'Lost in damaged journal files, those kept from before the start included.',
    (s) => s.journal.unreadableBytes,
  ],
  [
    'spanlink_quarantine_segments',
    'gauge',
    'Segments that ClickHouse refuses, set aside.',
    (s) => s.quarantine.segments,
  ],
  ['spanlink_quarantine_bytes', 'gauge', 'Bytes of those segments.', (s) => s.quarantine.bytes],
  ['spanlink_store_corrupt_parts', 'gauge', "Parts of tables that can't be read.", (s) => s.corruptParts.count],
  ['spanlink_store_spans', 'gauge', 'Spans stored.', (s) => s.store.spans],
  ['spanlink_store_links', 'gauge', 'Links stored.', (s) => s.store.links],
  ['spanlink_store_bytes', 'gauge', 'Tables and indexes on disk.', (s) => s.store.bytesOnDisk],
  [
    'process_resident_memory_bytes',
    'gauge',
    'Of the receiver; the engine is its child.',
    () => process.memoryUsage.rss(),
  ],
  [
    'process_cpu_seconds_total',
    'counter',
    'Of the receiver.',
    () => process.cpuUsage().user / 1e6 + process.cpuUsage().system / 1e6,
  ],
]

/**
 * `GET /metrics`: this server about itself, for Prometheus. To a browser the same path is the page
 * of all metrics.
 */
export function servePrometheus(app: FastifyInstance, source: StatusSource): void {
  app.get('/metrics', async (request, reply) => {
    if (wantsPage(request)) return reply.callNotFound()
    const text = exposition(await source.status())
    return await reply.type(CONTENT_TYPE).header('cache-control', 'no-store').send(text)
  })
}

export function exposition(status: Status): string {
  const build = [
    '# HELP spanlink_build_info What runs here.',
    '# TYPE spanlink_build_info gauge',
    `spanlink_build_info{version=${label(status.version)},engine=${label(status.engine.version)},store=${label(status.engine.mode)}} 1`,
  ]
  const values = metrics.flatMap(([name, type, help, value]) => [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${type}`,
    `${name} ${value(status)}`,
  ])
  const refused = [
    '# HELP spanlink_ingest_refused_requests_total Requests of which nothing was taken, by reason.',
    '# TYPE spanlink_ingest_refused_requests_total counter',
    ...Object.entries(status.ingest.refused).map(
      ([reason, count]) => `spanlink_ingest_refused_requests_total{reason=${label(reason)}} ${count}`,
    ),
  ]
  return `${[...build, ...values, ...refused].join('\n')}\n`
}

function label(value: string): string {
  return `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`
}
