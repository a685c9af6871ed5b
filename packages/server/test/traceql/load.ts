import {
  encodeTraces,
  type OtlpAnyValue,
  type OtlpKeyValue,
  type OtlpSpan,
  type TracesRequest,
} from '@spanlink/testkit/otlp'
import { transcodeLogs, transcodeTraces } from '../signals/transcode.ts'
import type { Store } from '../../src/clickhouse/store.ts'
import { encodeLogs } from '../signals/otlp-messages.ts'
import type { TestAttributes, TestSpan, TestValue } from './spans.ts'

/**
 * Sends spans the way the receiver does: OTLP bytes, rows, inserts. Every fifth span is sent a
 * second time.
 */
export async function loadSpans(store: Store, spans: readonly TestSpan[], token = ''): Promise<void> {
  await send(store, spans, `all${token}`)
  const again = spans.filter((_, index) => index % 5 === 0)
  await send(store, again, `again${token}`)
}

async function send(store: Store, spans: readonly TestSpan[], token: string): Promise<void> {
  const rows = transcodeTraces(encodeTraces(requestOf(spans)), Math.floor(Date.now() / 1000))
  if (rows.rejectedSpans > 0) throw new Error(rows.rejectReason)
  await store.insert('sources', [rows.sources], token)
  await store.insert('trace_rows', [rows.spans], token)
  await store.insert('spans', [rows.spans], token)
  const logs = transcodeLogs(encodeLogs(logEventsOf(spans)), Math.floor(Date.now() / 1000))
  if (logs.logCount > 0) await store.insert('logs', [logs.logs], token)
}

/** Half of the spans have their events as log records, which must not change query results. */
function hasLogEvents(span: TestSpan): boolean {
  return Number.parseInt(span.spanId.slice(-1), 16) % 2 === 1
}

function logEventsOf(spans: readonly TestSpan[]): object {
  const logRecords = spans.filter(hasLogEvents).flatMap(({ traceId, spanId, events }) =>
    events.map((event) => ({
      traceId,
      spanId,
      timeUnixNano: String(event.time),
      eventName: event.name,
      attributes: keyValues(event.attributes),
    })),
  )
  return { resourceLogs: [{ scopeLogs: [{ logRecords }] }] }
}

function requestOf(spans: readonly TestSpan[]): TracesRequest {
  return {
    resourceSpans: spans.map((span) => ({
      resource: { attributes: keyValues(span.resource) },
      scopeSpans: [
        {
          scope: { name: span.scope.name, version: span.scope.version, attributes: keyValues(span.scope.attributes) },
          spans: [otlpSpan(span)],
        },
      ],
    })),
  }
}

const kinds = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer']
const statuses = ['unset', 'ok', 'error']

function otlpSpan(span: TestSpan): OtlpSpan {
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    ...(span.parentSpanId === '' ? {} : { parentSpanId: span.parentSpanId }),
    name: span.name,
    kind: kinds.indexOf(span.kind),
    startTimeUnixNano: String(span.start),
    endTimeUnixNano: String(span.start + span.duration),
    attributes: keyValues(span.attributes),
    events: (hasLogEvents(span) ? [] : span.events).map((event) => ({
      timeUnixNano: String(event.time),
      name: event.name,
      attributes: keyValues(event.attributes),
    })),
    links: span.links.map((link) => ({
      traceId: link.traceId,
      spanId: link.spanId,
      attributes: keyValues(link.attributes),
    })),
    status: { code: statuses.indexOf(span.status), message: span.statusMessage },
  }
}

function keyValues(attributes: TestAttributes): OtlpKeyValue[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) }))
}

function anyValue(value: TestValue): OtlpAnyValue {
  switch (typeof value) {
    case 'string':
      return { stringValue: value }
    case 'bigint':
      return { intValue: String(value) }
    case 'number':
      return { doubleValue: value }
    case 'boolean':
      return { boolValue: value }
    default:
      return { arrayValue: { values: value.map(anyValue) } }
  }
}
