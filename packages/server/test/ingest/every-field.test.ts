import { readFileSync } from 'node:fs'
import { encodeTraces, type TracesRequest } from '@spanlink/testkit/otlp'
import { expect, test } from 'vitest'
import { transcodeTraces } from '../signals/transcode.ts'
import { readSources, readSpans } from './row-binary.ts'

/** Every field of opentelemetry-proto 1.11.0 that a trace can carry, and its column: of `spans`, if any. */
const COLUMNS = {
  'ResourceSpans.schema_url': 'sources.resource_schema_url',
  'Resource.attributes': 'sources.resource_attrs',
  'Resource.dropped_attributes_count': 'sources.resource_dropped_attrs',
  'Resource.entity_refs': 'sources.entity_refs',
  'ScopeSpans.schema_url': 'sources.scope_schema_url',
  'InstrumentationScope.name': 'sources.scope_name',
  'InstrumentationScope.version': 'sources.scope_version',
  'InstrumentationScope.attributes': 'sources.scope_attrs',
  'InstrumentationScope.dropped_attributes_count': 'sources.scope_dropped_attrs',
  'Span.trace_id': 'spans.trace_id',
  'Span.span_id': 'spans.span_id',
  'Span.trace_state': 'trace_rows.body',
  'Span.parent_span_id': 'spans.parent_span_id',
  'Span.name': 'spans.name',
  'Span.kind': 'spans.kind',
  'Span.start_time_unix_nano': 'spans.start',
  'Span.end_time_unix_nano': 'spans.duration',
  'Span.attributes': 'spans.attrs',
  'Span.dropped_attributes_count': 'trace_rows.body',
  'Span.events': 'spans.events',
  'Span.dropped_events_count': 'trace_rows.body',
  'Span.links': 'spans.links',
  'Span.dropped_links_count': 'trace_rows.body',
  'Span.status.message': 'spans.status_message',
  'Span.status.code': 'spans.status',
  'Span.flags': 'trace_rows.body',
  'Span.Event.time_unix_nano': 'spans.events.time',
  'Span.Event.name': 'spans.events.name',
  'Span.Event.attributes': 'spans.events.attrs',
  'Span.Event.dropped_attributes_count': 'trace_rows.body',
  'Span.Link.trace_id': 'spans.links.trace_id',
  'Span.Link.span_id': 'spans.links.span_id',
  'Span.Link.trace_state': 'trace_rows.body',
  'Span.Link.attributes': 'spans.links.attrs',
  'Span.Link.dropped_attributes_count': 'trace_rows.body',
  'Span.Link.flags': 'trace_rows.body',
} as const

test('every OTLP trace field has a column in the schema', () => {
  const missing = Object.entries(COLUMNS).filter(([, column]) => {
    const [table = '', ...names] = column.split('.')
    const sql = readFileSync(new URL(`../../src/clickhouse/schema/${table}.sql`, import.meta.url), 'utf8')
    return !names.every((name) => new RegExp(`^ +${name} `, 'm').test(sql))
  })
  expect(missing).toEqual([])
})

test('every OTLP trace field is written to its column', () => {
  const attributes = (text: string) => [{ key: text, value: { stringValue: text } }]
  const request: TracesRequest = {
    resourceSpans: [
      {
        schemaUrl: 'resource schema',
        resource: {
          attributes: attributes('service.name'),
          droppedAttributesCount: 1,
          entityRefs: [{ schemaUrl: 'entity schema', type: 'service', idKeys: ['id'], descriptionKeys: ['about'] }],
        },
        scopeSpans: [
          {
            schemaUrl: 'scope schema',
            scope: { name: 'scope', version: 'v1', attributes: attributes('scope'), droppedAttributesCount: 2 },
            spans: [
              {
                traceId: 'a1'.repeat(16),
                spanId: 'a2'.repeat(8),
                traceState: 'span=state',
                parentSpanId: 'a3'.repeat(8),
                name: 'span name',
                kind: 5,
                startTimeUnixNano: '1000',
                endTimeUnixNano: '1500',
                attributes: attributes('span'),
                droppedAttributesCount: 3,
                events: [
                  { timeUnixNano: '1100', name: 'event', attributes: attributes('event'), droppedAttributesCount: 4 },
                ],
                droppedEventsCount: 5,
                links: [
                  {
                    traceId: 'b1'.repeat(16),
                    spanId: 'b2'.repeat(8),
                    traceState: 'link=state',
                    attributes: attributes('link'),
                    droppedAttributesCount: 6,
                    flags: 0x301,
                  },
                ],
                droppedLinksCount: 7,
                status: { code: 2, message: 'status message' },
                flags: 0x101,
              },
            ],
          },
        ],
      },
    ],
  }
  const received = 1_800_000_000
  const rows = transcodeTraces(encodeTraces(request), received)
  const [source] = readSources(rows)
  expect(source).toEqual({
    sourceId: source?.sourceId,
    received,
    service: 'service.name',
    resourceAttributes: attributes('service.name'),
    resourceDroppedAttributes: 1,
    resourceSchemaUrl: 'resource schema',
    entityRefs: '[{"schemaUrl":"entity schema","type":"service","idKeys":["id"],"descriptionKeys":["about"]}]',
    scopeName: 'scope',
    scopeVersion: 'v1',
    scopeAttributes: attributes('scope'),
    scopeDroppedAttributes: 2,
    scopeSchemaUrl: 'scope schema',
  })
  expect(readSpans(rows)).toEqual([
    {
      received,
      traceId: 'a1'.repeat(16),
      spanId: 'a2'.repeat(8),
      parentSpanId: 'a3'.repeat(8),
      start: 1000n,
      duration: 500n,
      kind: 5,
      status: 2,
      service: 'service.name',
      name: 'span name',
      sourceId: source?.sourceId,
      attributes: attributes('span'),
      statusMessage: 'status message',
      traceState: 'span=state',
      flags: 0x101,
      droppedAttributes: 3,
      droppedEvents: 5,
      droppedLinks: 7,
      events: [{ time: 1100n, name: 'event', attributes: attributes('event'), droppedAttributes: 4 }],
      links: [
        {
          traceId: 'b1'.repeat(16),
          spanId: 'b2'.repeat(8),
          traceState: 'link=state',
          flags: 0x301,
          attributes: attributes('link'),
          droppedAttributes: 6,
        },
      ],
      resourceCluster: '',
    },
  ])
})
