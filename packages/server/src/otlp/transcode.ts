import { readEnvelope, takeRows } from './envelope.ts'
import { MAX_LINK_ROWS_BYTES } from './limits.ts'
import { Rejections } from './rejections.ts'
import { RowWriter } from './row-writer.ts'
import type { TraceRows } from './rows.ts'
import type { Source } from './source.ts'
import { rejectionOf, SpanFields } from './span.ts'
import { estimateLinkRowBytes, writeLinks, writeSpan } from './span-row.ts'
import { WireReader } from './wire-reader.ts'

const spans = new RowWriter()
const links = new RowWriter()
const sources = new RowWriter()
const span = new SpanFields()

/**
 * Turns an ExportTraceServiceRequest (or TracesData: the same bytes) into rows, copying ranges and building no
 * object per span. All or nothing, but for spans with invalid ids or beyond the limits, which are counted and
 * left out one by one.
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
    rejectedSpans: items.rejections.count,
    rejectReason: items.rejections.reason,
  }
}

const SECONDS_PER_DAY = 86_400

class SpanReader {
  readonly received: number
  /** What links have of it: their partition. By the second it would be a byte a span that nobody asks for. */
  readonly receivedDay: number
  spanCount = 0
  linkRows = 0
  readonly rejections = new Rejections('span')

  constructor(received: number) {
    this.received = received
    this.receivedDay = received - (received % SECONDS_PER_DAY)
  }

  readItem(reader: WireReader, source: Source, end: number): void {
    const spansAt = spans.pos
    const linksAt = links.pos
    let rejection: string
    try {
      rejection = this.#readSpan(reader, source, end)
    } catch (error) {
      rejection = this.rejections.fromError(error)
      spans.pos = spansAt
      links.pos = linksAt
    }
    if (rejection === '') this.spanCount++
    else this.rejections.add(this.spanCount, rejection)
  }

  /** Returns why it is rejected, or ''. */
  #readSpan(reader: WireReader, source: Source, end: number): string {
    const bytes = end - reader.pos
    const exceeded = this.rejections.findExceeded(source, this.spanCount, bytes)
    if (exceeded !== '') return exceeded
    span.read(reader, end)
    const rejection = rejectionOf(reader, span)
    if (rejection !== '') return rejection
    if (span.linkCount > 0 && estimateLinkRowBytes(source, span, bytes) > MAX_LINK_ROWS_BYTES) {
      return `its ${span.linkCount} links become more than ${MAX_LINK_ROWS_BYTES} bytes`
    }
    writeSpan(reader, spans, this.received, source, span, end)
    if (span.linkCount > 0) this.linkRows += writeLinks(reader, links, this.receivedDay, source, span, end)
    return ''
  }
}
