import { readEnvelope, takeRows } from './envelope.ts'
import { RowWriter } from './row-writer.ts'
import type { TraceRows } from './rows.ts'
import type { Source } from './source.ts'
import { rejectionOf, SpanFields } from './span.ts'
import { writeLinks, writeSpan } from './span-row.ts'
import { WireReader } from './wire-reader.ts'

const spans = new RowWriter()
const links = new RowWriter()
const sources = new RowWriter()
const span = new SpanFields()

/**
 * Turns an ExportTraceServiceRequest (or TracesData: the same bytes) into rows, copying ranges and building no
 * object per span. All or nothing, but for spans with invalid ids, which are counted and left out one by one.
 *
 * @param receivedUnixSeconds what the column `received` of every row becomes
 * @throws OtlpError when the bytes are no such message, or become too much
 */
export function transcodeTraces(body: Uint8Array, receivedUnixSeconds: number): TraceRows {
  spans.reset()
  links.reset()
  sources.reset()
  const items = new SpanReader(receivedUnixSeconds)
  const sourceCount = readEnvelope(new WireReader(body), sources, receivedUnixSeconds, items)
  const [sourceBytes, linkBytes, spanBytes] = takeRows(sources, links, spans)
  return {
    receivedUnixSeconds,
    sources: sourceBytes,
    spanLinks: linkBytes,
    spans: spanBytes,
    spanCount: items.spanCount,
    linkCount: items.linkRows,
    sourceCount,
    rejectedSpans: items.rejectedSpans,
    rejectReason: items.rejectReason,
  }
}

const SECONDS_PER_DAY = 86_400

class SpanReader {
  readonly received: number
  /** What links have of it: their partition. By the second it would be a byte a span that nobody asks for. */
  readonly receivedDay: number
  spanCount = 0
  linkRows = 0
  rejectedSpans = 0
  rejectReason = ''

  constructor(received: number) {
    this.received = received
    this.receivedDay = received - (received % SECONDS_PER_DAY)
  }

  readItem(reader: WireReader, source: Source, end: number): void {
    span.read(reader, end)
    const rejection = rejectionOf(reader, span)
    if (rejection === '') {
      writeSpan(reader, spans, this.received, source, span, end)
      if (span.linkCount > 0) this.linkRows += writeLinks(reader, links, this.receivedDay, source, span, end)
      this.spanCount++
    } else {
      if (this.rejectedSpans === 0) this.rejectReason = `span ${this.spanCount} of the request: ${rejection}`
      this.rejectedSpans++
    }
  }
}
