import { createTranscoder, ItemReader } from '../wire/envelope.ts'
import { MAX_LINK_ROWS_BYTES } from '../limits.ts'
import type { Source } from '../wire/source.ts'
import { findSpanRejection, SpanFields } from './span.ts'
import { estimateLinkRowBytes, writeLinkRows } from './link-rows.ts'
import { writeSpan } from './span-row.ts'
import { WireReader } from '../wire/wire-reader.ts'

const SECONDS_PER_DAY = 86_400

const span = new SpanFields()

/** Copies ranges of the request and builds no object per span. */
class SpanReader extends ItemReader {
  readonly #links = this.addTable('span_links')
  readonly #spans = this.addTable('spans')

  override readItem(reader: WireReader, source: Source, end: number): undefined {
    const spansAt = this.#spans.pos
    const linksAt = this.#links.pos
    let rejection: string
    try {
      rejection = this.#readSpan(reader, source, end)
    } catch (error) {
      rejection = this.rejections.fromError(error)
      this.#spans.pos = spansAt
      this.#links.pos = linksAt
    }
    if (rejection === '') this.#spans.rows++
    else this.rejections.add(this.#spans.rows, rejection)
  }

  /** Returns why the span is rejected, or ''. */
  #readSpan(reader: WireReader, source: Source, end: number): string {
    reader.nestedValues = 0
    const bytes = end - reader.pos
    const exceeded = this.rejections.findExceeded(source, this.#spans.rows, bytes)
    if (exceeded !== '') return exceeded
    span.read(reader, end)
    const rejection = findSpanRejection(reader, span)
    if (rejection !== '') return rejection
    if (span.linkCount > 0 && estimateLinkRowBytes(source, span, bytes) > MAX_LINK_ROWS_BYTES) {
      return `its ${span.linkCount} links become more than ${MAX_LINK_ROWS_BYTES} bytes`
    }
    writeSpan(reader, this.#spans, this.received, source, span, end)
    if (span.linkCount > 0) {
      // Links are partitioned by day. Seconds would cost a byte per span and are not queried.
      const receivedDay = this.received - (this.received % SECONDS_PER_DAY)
      this.#links.rows += writeLinkRows(reader, this.#links, receivedDay, source, span, end)
    }
    return ''
  }
}

export const transcodeTraces = createTranscoder('span', () => new SpanReader())
