import { ByteList } from './native/byte-list.ts'
import { TupleNumbers } from './native/tuple-numbers.ts'
import { ROW } from './traffic/span-row.ts'

/** 32-bit words of a trace id. */
const WORDS = 4

/** What is kept of a trace: its first and its last start, each as two words. */
const [FIRST_LOW, FIRST_HIGH, LAST_LOW, LAST_HIGH, KEPT] = [0, 1, 2, 3, 4] as const

const SECONDS_PER_DAY = 86_400

/** Memory beyond it is given back. */
const KEEP = 1024 * 1024

/**
 * The bounds of a segment's traces, as rows of `traces`: they lead from a trace id to its spans, and are inserted before
 * them, so that each trace that a list shows can be opened.
 */
export class TraceBounds {
  readonly #traces = new TupleNumbers(WORDS)
  readonly #trace = new Uint32Array(WORDS)
  #kept = new Uint32Array(256 * KEPT)
  #last = 0
  #received = 0
  readonly #rows = new ByteList()

  clear(): void {
    this.#traces.clear()
    this.#last = 0
    this.#received = 0
    this.#rows.clear()
    if (this.#kept.length > KEEP) this.#kept = new Uint32Array(256 * KEPT)
  }

  /** Takes the row at `start`. */
  take(bytes: Buffer, start: number): void {
    const id = start + ROW.ids
    const trace = this.#trace
    for (let word = 0; word < WORDS; word++) trace[word] = bytes.readUInt32LE(id + 4 * word)
    const low = bytes.readUInt32LE(start + ROW.start)
    const high = bytes.readUInt32LE(start + ROW.start + 4)
    const received = bytes.readUInt32LE(start + ROW.received)
    if (received > this.#received) this.#received = received
    const known = this.#traces.count
    // Spans of a trace come together more often than not.
    if (known === 0 || !this.#traces.is(this.#last, trace)) this.#last = this.#traces.number(trace)
    const at = this.#last * KEPT
    if (this.#traces.count > known) {
      this.#reserve(at + KEPT)
      this.#put(at + FIRST_LOW, low, high)
      this.#put(at + LAST_LOW, low, high)
    } else {
      if (this.#compare(at + FIRST_LOW, low, high) > 0) this.#put(at + FIRST_LOW, low, high)
      if (this.#compare(at + LAST_LOW, low, high) < 0) this.#put(at + LAST_LOW, low, high)
    }
  }

  /** RowBinary, valid until `clear`. */
  rows(): Uint8Array {
    // The day alone compresses to nothing, and nobody needs more: sql/traces_by_day.sql.
    const day = this.#received - (this.#received % SECONDS_PER_DAY)
    const kept = this.#kept
    for (let number = 0; number < this.#traces.count; number++) {
      for (let word = 0; word < WORDS; word++) this.#rows.u32(this.#traces.at(number, word))
      this.#rows.u32(day)
      const at = number * KEPT
      this.#rows.u32(kept[at + FIRST_LOW] as number)
      this.#rows.u32(kept[at + FIRST_HIGH] as number)
      this.#rows.u32(kept[at + LAST_LOW] as number)
      this.#rows.u32(kept[at + LAST_HIGH] as number)
    }
    return this.#rows.used()
  }

  #reserve(length: number): void {
    if (length <= this.#kept.length) return
    const larger = new Uint32Array(this.#kept.length * 2)
    larger.set(this.#kept)
    this.#kept = larger
  }

  #put(at: number, low: number, high: number): void {
    this.#kept[at] = low
    this.#kept[at + 1] = high
  }

  /** Above 0 when what is kept at `at` is later. */
  #compare(at: number, low: number, high: number): number {
    return (this.#kept[at + 1] as number) - high || (this.#kept[at] as number) - low
  }
}
