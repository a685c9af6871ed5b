import { EnvelopeState, type ItemReader, readEnvelope, copyRows } from '../wire/envelope.ts'
import { MAX_LINK_ROWS_BYTES } from '../limits.ts'
import { Rejections } from '../rejections.ts'
import { RowWriter } from '../row-writer.ts'
import type { TraceRows } from '../rows.ts'
import type { Source } from '../wire/source.ts'
import { findSpanRejection, SpanFields } from './span.ts'
import { estimateLinkRowBytes, writeLinks, writeSpan } from './span-row.ts'
import { runSteps, type Steps } from '../steps.ts'
import { WireReader } from '../wire/wire-reader.ts'

/** Buffers for the rows of one request, reused because newly allocated large memory is slow. */
class TraceState extends EnvelopeState {
  readonly spans = new RowWriter()
  readonly links = new RowWriter()

  override reset(): void {
    super.reset()
    this.spans.reset()
    this.links.reset()
  }
}

let idle: TraceState | undefined
const span = new SpanFields()

/** Runs `transcodeTracesInSteps` without pausing. */
export function transcodeTraces(body: Uint8Array, receivedUnixSeconds: number): TraceRows {
  return runSteps(transcodeTracesInSteps(body, receivedUnixSeconds))
}

/**
 * Converts an ExportTraceServiceRequest (or TracesData, which has the same bytes) to rows, copying
 * ranges and building no object per span. Spans with invalid ids or beyond the limits are counted
 * and rejected individually; any other error rejects the request.
 *
 * @param receivedUnixSeconds value of the column `received` of every row
 * @throws OtlpError when the bytes are no such message
 */
export function* transcodeTracesInSteps(
  body: Uint8Array,
  receivedUnixSeconds: number,
  rejections = new Rejections('span'),
): Steps<TraceRows> {
  const state = idle ?? new TraceState()
  idle = undefined
  try {
    const items = new SpanReader(receivedUnixSeconds, state, rejections)
    const sourceCount = yield* readEnvelope(new WireReader(body), state, receivedUnixSeconds, items)
    const [sources, spanLinks, spans] = yield* copyRows(state.sources, state.links, state.spans)
    return {
      receivedUnixSeconds,
      sources,
      spanLinks,
      spans,
      spanCount: items.spanCount,
      linkCount: items.linkRows,
      sourceCount,
      rejectedSpans: rejections.count,
      rejectReason: rejections.describe(),
    }
  } finally {
    state.reset()
    idle = state
  }
}

const SECONDS_PER_DAY = 86_400

class SpanReader implements ItemReader {
  readonly #received: number
  /**
   * The day of `received`, by which links are partitioned. Seconds would cost a byte per span and
   * are not queried.
   */
  readonly #receivedDay: number
  readonly #spans: RowWriter
  readonly #links: RowWriter
  readonly #rejections: Rejections
  spanCount = 0
  linkRows = 0

  constructor(received: number, { spans, links }: TraceState, rejections: Rejections) {
    this.#received = received
    this.#receivedDay = received - (received % SECONDS_PER_DAY)
    this.#spans = spans
    this.#links = links
    this.#rejections = rejections
  }

  rowBytes(): number {
    return this.#spans.pos + this.#links.pos
  }

  readItem(reader: WireReader, source: Source, end: number): undefined {
    const spansAt = this.#spans.pos
    const linksAt = this.#links.pos
    let rejection: string
    try {
      rejection = this.#readSpan(reader, source, end)
    } catch (error) {
      rejection = this.#rejections.fromError(error)
      this.#spans.pos = spansAt
      this.#links.pos = linksAt
    }
    if (rejection === '') this.spanCount++
    else this.#rejections.add(this.spanCount, rejection)
  }

  /** Returns why the span is rejected, or ''. */
  #readSpan(reader: WireReader, source: Source, end: number): string {
    reader.nestedValues = 0
    const bytes = end - reader.pos
    const exceeded = this.#rejections.findExceeded(source, this.spanCount, bytes)
    if (exceeded !== '') return exceeded
    span.read(reader, end)
    const rejection = findSpanRejection(reader, span)
    if (rejection !== '') return rejection
    if (span.linkCount > 0 && estimateLinkRowBytes(source, span, bytes) > MAX_LINK_ROWS_BYTES) {
      return `its ${span.linkCount} links become more than ${MAX_LINK_ROWS_BYTES} bytes`
    }
    writeSpan(reader, this.#spans, this.#received, source, span, end)
    if (span.linkCount > 0) this.linkRows += writeLinks(reader, this.#links, this.#receivedDay, source, span, end)
    return ''
  }
}
