import fc from 'fast-check'
import { expect, test } from 'vitest'
import { UNKNOWN_RECORD } from '../records/record-metadata.ts'
import { computeCriticalPath } from './critical-path.ts'
import { connectEdges } from './edges/connect-edges.ts'
import { selectParts } from './flow-parts.ts'
import type { FlowLink, FlowSpanRow } from './flow-span.ts'
import { CAUSED } from './load/expand.ts'
import { divideTrace } from './load/lane-sections.ts'
import { computeStatistics } from './statistics.ts'

/** A trace that links point at but that is not stored. */
const MISSING = '9'

const id = (index: number): string => index.toString(16).padStart(16, '0')

/**
 * Spans with any parents (also cyclic), times and links, as a hostile client may send.
 */
const flows = fc.integer({ min: 1, max: 30 }).chain((size) =>
  fc.record({
    rows: fc.tuple(
      ...Array.from({ length: size }, (_, index) =>
        fc
          .record({
            trace: fc.nat(3),
            parent: fc.option(fc.nat(size), { nil: undefined }),
            start: fc.nat(100),
            length: fc.nat(50),
            operation: fc.constantFrom<FlowSpanRow['operation']>('none', 'send', 'create', 'receive', 'process'),
            flags: fc.constantFrom(0, 0x101, 0x301),
          })
          .map(({ trace, parent, start, length, operation, flags }): FlowSpanRow => ({
            traceId: String(trace),
            spanId: id(index),
            parentSpanId: parent === undefined ? '' : id(parent),
            service: `service-${index % 3}`,
            name: 'x',
            kind: 'consumer',
            status: 'unset',
            flags,
            start: BigInt(start),
            end: BigInt(start + length),
            operation,
            ...UNKNOWN_RECORD,
            topic: 'orders',
            group: '',
            messageCount: 0,
            linkCount: 0,
            kindServiceKey: `consumer service-${index % 3}`,
          })),
      ),
    ),
    pairs: fc.array(fc.tuple(fc.nat(size), fc.nat(size)), { maxLength: 40 }),
    target: fc.nat(size - 1),
  }),
)

test('a critical path has no gaps or overlaps and ends at its target, for any spans and links', () => {
  fc.assert(
    fc.property(flows, ({ rows, pairs, target }) => {
      const ref = (index: number) => ({ traceId: rows[index]?.traceId ?? MISSING, spanId: id(index) })
      const unknownRecord = { ...UNKNOWN_RECORD, group: '' }
      const links = pairs.map(([from, to], ordinal): FlowLink => ({
        linkingSpan: ref(from),
        target: ref(to),
        ordinal,
        ...unknownRecord,
      }))
      const ids = ['0', '1', '2', '3', MISSING]
      const rowsOf = Map.groupBy(rows, ({ traceId }) => traceId)
      const isOf = (traceId: string) => (link: FlowLink) =>
        link.linkingSpan.traceId === traceId || link.target.traceId === traceId
      const divided = ids.map((one) => divideTrace(one, rowsOf.get(one) ?? [], links.filter(isOf(one))))
      const parts = selectParts({
        traces: new Map(divided.map((trace) => [trace.traceId, trace])),
        levels: new Map(divided.flatMap(({ sections }) => sections.map((section) => [section, CAUSED]))),
      })
      const edges = connectEdges(parts)
      const targetSpan = parts.spans.get(ref(target).traceId)?.byId.get(id(target))
      if (targetSpan === undefined) throw new Error('every span is in a lane')
      const { path } = computeCriticalPath(targetSpan, edges)

      expect(parts.lanes.reduce((sum, lane) => sum + lane.spans.length, 0)).toBe(rows.length)
      expect(path.endTimeUnixNano).toBe(String(targetSpan.span.end))
      let at = BigInt(path.startTimeUnixNano)
      for (const { startTimeUnixNano, durationNano } of path.segments) {
        expect(BigInt(startTimeUnixNano)).toBe(at)
        expect(BigInt(durationNano)).toBeGreaterThan(0n)
        at += BigInt(durationNano)
      }
      expect(at).toBe(targetSpan.span.end)
      const shared = path.shares.reduce((sum, share) => sum + BigInt(share.durationNano), 0n)
      expect(String(shared)).toBe(path.durationNano)

      const { endToEndNano, processingNano, queueNano, idleNano } = computeStatistics(parts.lanes, edges)
      expect(BigInt(processingNano) + BigInt(queueNano) + BigInt(idleNano)).toBe(BigInt(endToEndNano))
      expect(BigInt(idleNano)).toBeGreaterThanOrEqual(0n)
    }),
    { numRuns: 2000 },
  )
})
