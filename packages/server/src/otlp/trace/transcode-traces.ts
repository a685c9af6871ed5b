import { createTranscoder, ItemReader } from '../wire/envelope.ts'
import { MAX_BACKLINK_BYTES } from '../limits.ts'
import type { Source } from '../wire/source.ts'
import { findSpanRejection, SpanFields } from './span.ts'
import { writeSpan } from './span-row.ts'
import { WireReader } from '../wire/wire-reader.ts'

/** Bytes of a backlink's ids, times and lengths. */
const BACKLINK_BYTES = 96

const span = new SpanFields()

/** Copies ranges of the request and builds no object per span. */
class SpanReader extends ItemReader {
  readonly #spans = this.addTable('spans')

  override readItem(reader: WireReader, source: Source, end: number): undefined {
    const spansAt = this.#spans.pos
    let rejection: string
    try {
      rejection = this.#readSpan(reader, source, end)
    } catch (error) {
      rejection = this.rejections.fromError(error)
      this.#spans.pos = spansAt
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
    if (span.linkCount * (BACKLINK_BYTES + source.service.byteLength + span.nameLength) > MAX_BACKLINK_BYTES) {
      return `its ${span.linkCount} links become more than ${MAX_BACKLINK_BYTES} bytes`
    }
    writeSpan(reader, this.#spans, this.received, source, span, end)
    return ''
  }
}

export const transcodeTraces = createTranscoder('span', () => new SpanReader())
