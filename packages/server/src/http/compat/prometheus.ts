import type { FastifyInstance } from 'fastify'
import type { StatusSource } from '../routes/status.ts'
import { wantsPage } from '../wants-page.ts'

// https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

type Status = Awaited<ReturnType<StatusSource['status']>>

type Metric = readonly [
  name: string,
  help: string,
  /** A number, or the samples by labels. */
  value: (status: Status) => number | readonly (readonly [labels: string, value: number])[],
]

/** Listed in docs/operations.md. Counters end in `_total`, the others are gauges. */
export const serverMetrics: readonly Metric[] = [
  ['spanlink_build_info', 'Version of the server, ClickHouse version and kind of store.', (s) => [[buildLabels(s), 1]]],
  [
    'spanlink_ready',
    '1 while ClickHouse is available; /api/ready also requires progressing inserts.',
    (s) => Number(s.engine.state === 'ready'),
  ],
  ['spanlink_engine_restarts_total', 'Restarts of the embedded ClickHouse after it died.', (s) => s.engine.restarts],
  ['spanlink_receiver_requests_total', 'Requests received.', (s) => s.ingest.requests],
  [
    'spanlink_receiver_failed_requests_total',
    'Requests rejected as a whole, by reason.',
    (s) =>
      Object.entries(s.ingest.rejectedRequests).map(([reason, count]) => [
        formatLabel('reason', toSnakeCase(reason)),
        count,
      ]),
  ],
  [
    'spanlink_api_rejected_requests_total',
    'Requests of the API rejected for their credentials or a limit, by reason.',
    (s) => Object.entries(s.access).map(([reason, count]) => [formatLabel('reason', toSnakeCase(reason)), count]),
  ],
  ['spanlink_receiver_received_bytes_total', 'Bytes of request bodies, decompressed.', (s) => s.ingest.bytes],
  ['spanlink_receiver_accepted_spans_total', 'Spans acknowledged.', (s) => s.ingest.spans],
  ['spanlink_receiver_rejected_spans_total', 'Spans rejected permanently.', (s) => s.ingest.rejectedSpans],
  ['spanlink_receiver_accepted_log_records_total', 'Log records acknowledged.', (s) => s.ingest.logs],
  ['spanlink_receiver_rejected_log_records_total', 'Log records rejected permanently.', (s) => s.ingest.rejectedLogs],
  ['spanlink_receiver_accepted_metric_points_total', 'Metric points acknowledged.', (s) => s.ingest.points],
  [
    'spanlink_receiver_rejected_metric_points_total',
    'Metric points rejected permanently.',
    (s) => s.ingest.rejectedPoints,
  ],
  [
    'spanlink_kafka_rejected_messages_total',
    'Kafka messages rejected or quarantined.',
    (s) => s.kafka?.rejectedMessages ?? 0,
  ],
  [
    'spanlink_kafka_connection_failures_total',
    'Failed connections to Kafka and restarts of the consumer.',
    (s) => s.kafka?.connectionFailures ?? 0,
  ],
  [
    'spanlink_kafka_quarantined_batches_total',
    'Kafka batches that cannot be read.',
    (s) => s.kafka?.quarantine.batches ?? 0,
  ],
  ['spanlink_journal_segments', 'Journal segments acknowledged and not yet inserted.', (s) => s.journal.segments],
  ['spanlink_journal_bytes', 'Journal bytes acknowledged and not yet inserted.', (s) => s.journal.bytes],
  [
    'spanlink_journal_torn_bytes_total',
    'Bytes of incomplete writes at the end of a segment, dropped after a crash.',
    (s) => s.journal.tornBytes,
  ],
  [
    'spanlink_journal_unreadable_bytes_total',
    'Bytes lost in damaged journal files, including files kept from earlier runs.',
    (s) => s.journal.unreadableBytes,
  ],
  ['spanlink_quarantine_segments', 'Segments that ClickHouse rejected.', (s) => s.quarantine.segments],
  ['spanlink_quarantine_bytes', 'Bytes of segments that ClickHouse rejected.', (s) => s.quarantine.bytes],
  ['spanlink_store_corrupt_parts', 'Table parts that cannot be read.', (s) => s.corruptParts.count],
  ['spanlink_store_damaged_rows_total', 'Rows that queries could not decode.', (s) => s.damagedRows],
  ['spanlink_store_spans', 'Spans stored.', (s) => s.store.spans],
  ['spanlink_store_links', 'Links stored.', (s) => s.store.links],
  ['spanlink_store_bytes', 'Bytes of tables and indexes on disk.', (s) => s.store.bytesOnDisk],
  ['process_start_time_seconds', 'Unix time of the start of the server.', () => performance.timeOrigin / 1000],
  [
    'process_resident_memory_bytes',
    'Resident memory of the server without the embedded ClickHouse.',
    () => process.memoryUsage.rss(),
  ],
  [
    'process_cpu_seconds_total',
    'CPU time of the server without the embedded ClickHouse.',
    () => process.cpuUsage().user / 1e6 + process.cpuUsage().system / 1e6,
  ],
]

/** Serves metrics of this server to Prometheus. Browsers get the metrics page at the same path. */
export function servePrometheus(app: FastifyInstance, source: StatusSource): void {
  app.get('/metrics', { config: { role: 'read', isPageToo: true } }, async (request, reply) => {
    if (wantsPage(request)) return reply.callNotFound()
    const text = formatExposition(await source.status())
    return await reply.type(CONTENT_TYPE).header('cache-control', 'no-store').send(text)
  })
}

export function formatExposition(status: Status): string {
  const lines = serverMetrics.flatMap(([name, help, read]) => {
    const value = read(status)
    const samples = typeof value === 'number' ? [['', value] as const] : value
    return [
      `# HELP ${name} ${help}`,
      `# TYPE ${name} ${metricType(name)}`,
      ...samples.map(([labels, number]) => `${name}${labels === '' ? '' : `{${labels}}`} ${number}`),
    ]
  })
  return `${lines.join('\n')}\n`
}

export function metricType(name: string): 'counter' | 'gauge' {
  return name.endsWith('_total') ? 'counter' : 'gauge'
}

function buildLabels({ version, engine }: Status): string {
  const labels = [
    formatLabel('version', version),
    formatLabel('engine', engine.version),
    formatLabel('store', engine.mode),
  ]
  return labels.join(',')
}

function formatLabel(name: string, value: string): string {
  return `${name}="${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`
}

function toSnakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
