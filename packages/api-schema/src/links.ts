import { Type, type Static } from 'typebox'
import { allowNull, defineParameters, describe } from './common/describe.ts'
import { Attributes } from './common/attributes.ts'
import { RecordMetadata } from './common/record.ts'
import { MissingParts } from './common/searched.ts'
import { Nano, SpanId, SpanKind, StatusCode, UnixNano } from './common/scalars.ts'

export const LinkedSpan = describe(
  'Summary of a span at the other end of a link.',
  Type.Object({
    service: Type.String(),
    name: Type.String(),
    kind: SpanKind,
    status: StatusCode,
    startTimeUnixNano: UnixNano,
    endTimeUnixNano: UnixNano,
  }),
)
export type LinkedSpan = Static<typeof LinkedSpan>

const LinkRecord = describe(
  "Record metadata from the link's attributes, then from the consuming span, then from the producing span.",
  RecordMetadata,
)

export const SpanLink = describe(
  'A link of a span, with its target resolved where that is stored.',
  Type.Object({
    traceId: Type.String({ description: 'the target; empty when the link names no trace, which OTLP allows' }),
    spanId: Type.String(),
    traceState: Type.String(),
    flags: Type.Integer(),
    attributes: Attributes,
    droppedAttributesCount: Type.Integer(),
    target: describe(
      '`null` when the span is not stored: not sampled, expired, sent to another backend, or not yet received.',
      allowNull(LinkedSpan),
    ),
    record: LinkRecord,
    queueTimeNano: describe(
      'Queue time of the message; `null` while the target is not stored. Negative: clock skew.',
      allowNull(Nano),
    ),
  }),
)
export type SpanLink = Static<typeof SpanLink>

export const TraceLink = describe(
  'A link seen from one trace: `out` when a span of the trace has it, `in` when it points at such a span.',
  Type.Object({
    direction: Type.Enum(['out', 'in']),
    spanId: describe('The span of this trace.', SpanId),
    span: allowNull(LinkedSpan),
    peerTraceId: describe('Trace of the span at the other end.', Type.String()),
    peerSpanId: Type.String(),
    peer: allowNull(LinkedSpan),
    record: LinkRecord,
    traceState: Type.String(),
    flags: Type.Integer(),
    attributes: Attributes,
    droppedAttributesCount: Type.Integer(),
    queueTimeNano: describe(
      'Queue time of the message; `null` while a span is not stored. Negative: clock skew.',
      allowNull(Nano),
    ),
  }),
)
export type TraceLink = Static<typeof TraceLink>

export const LinksQuery = defineParameters({
  direction: Type.Optional(Type.Enum(['out', 'in', 'both'], { default: 'both' })),
  spanId: Type.Optional(SpanId),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 100 })),
  cursor: Type.Optional(Type.String({ maxLength: 200 })),
})
export type LinksQuery = Static<typeof LinksQuery>

export const LinksResponse = Type.Object({
  total: describe('Number of links on all pages.', Type.Integer()),
  isTotalEstimate: describe(
    '`total` is an estimate, usually within 1 %: set above 30,000 links.',
    Type.Optional(Type.Literal(true)),
  ),
  links: Type.Array(TraceLink),
  nextCursor: describe('Cursor of the next page; absent on the last page.', Type.Optional(Type.String())),
  missingParts: MissingParts,
})
export type LinksResponse = Static<typeof LinksResponse>
