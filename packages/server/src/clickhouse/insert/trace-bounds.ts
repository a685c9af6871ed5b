import { ByteList } from './native/byte-list.ts'
import { TupleDictionary } from './native/tuple-dictionary.ts'
import { SPAN_OFFSETS } from './rollups/span-offsets.ts'

/** 32-bit words per trace: its id, then its first and its last start. */
const [ID, FIRST, LAST, WORDS] = [0, 4, 6, 8] as const
const ID_WORDS = FIRST - ID

const SECONDS_PER_DAY = 86_400

/** Size of a row of `traces`. */
const TRACE_ROW_BYTES = 36

/**
 * Collects the bounds of a segment's traces as rows of `traces`, which map a trace id to its time.
 * They are inserted before the spans, so that every listed trace can be opened.
 */
export class TraceBounds {
  readonly #traces = new TupleDictionary(ID_WORDS, WORDS - ID_WORDS)
  readonly #id = new Uint32Array(ID_WORDS)
  #last = 0
  #received = 0
  readonly #rows = new ByteList()

  clear(): void {
    this.#traces.clear()
    this.#last = 0
    this.#received = 0
    this.#rows.clear()
  }

  /** Adds the row at `start`. */
  add(view: DataView, start: number): void {
    const id = this.#id
    for (let word = 0; word < ID_WORDS; word++) id[word] = view.getUint32(start + SPAN_OFFSETS.ids + 4 * word, true)
    const low = view.getUint32(start + SPAN_OFFSETS.start, true)
    const high = view.getUint32(start + SPAN_OFFSETS.start + 4, true)
    const received = view.getUint32(start + SPAN_OFFSETS.received, true)
    if (received > this.#received) this.#received = received
    const traces = this.#traces
    const known = traces.count
    // Consecutive spans often belong to the same trace.
    if (known === 0 || !traces.equals(this.#last, id)) this.#last = traces.intern(id)
    const at = this.#last * WORDS
    const isNew = traces.count > known
    if (isNew || isBefore(low, high, traces.words, at + FIRST)) writeWords(low, high, traces.words, at + FIRST)
    if (isNew || !isBefore(low, high, traces.words, at + LAST)) writeWords(low, high, traces.words, at + LAST)
  }

  /** RowBinary, valid until `clear`. */
  toRows(): Uint8Array {
    // The partition needs only the day, which compresses to nothing.
    const day = this.#received - (this.#received % SECONDS_PER_DAY)
    const { words, count } = this.#traces
    const rows = this.#rows
    rows.reserve(count * TRACE_ROW_BYTES)
    const { view } = rows
    for (let from = 0, to = rows.length; from < count * WORDS; from += WORDS) {
      for (let word = ID; word < FIRST; word++, to += 4) view.setUint32(to, words[from + word] as number, true)
      view.setUint32(to, day, true)
      to += 4
      for (let word = FIRST; word < WORDS; word++, to += 4) view.setUint32(to, words[from + word] as number, true)
    }
    rows.length += count * TRACE_ROW_BYTES
    return rows.contents()
  }
}

function isBefore(low: number, high: number, words: Uint32Array, at: number): boolean {
  const knownHigh = words[at + 1] as number
  return high < knownHigh || (high === knownHigh && low < (words[at] as number))
}

function writeWords(low: number, high: number, words: Uint32Array, at: number): void {
  words[at] = low
  words[at + 1] = high
}
