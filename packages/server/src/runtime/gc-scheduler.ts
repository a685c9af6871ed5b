import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { dropFreeMemory } from './buffer-pool.ts'

export type MemoryWatch = {
  /** Buffers, live and garbage, beyond which garbage is collected. */
  readonly buffersBytes: number
  /** What was taken from outside since the start. */
  readonly takenBytes: () => number
}

const LOOK_EVERY_MS = 100

/** The pieces that so many bytes came in are collected in 2 ms, as long as they are young. */
const YOUNG_BYTES = 24 * 1024 * 1024

/**
 * A whole collection takes 20 to 40 ms: where all is in use, the next one is when there is so much
 * more.
 */
const MORE_BYTES = 16 * 1024 * 1024

/** With less than this in this time there is no load. */
const QUIET_BYTES = 1024 * 1024
const QUIET_MS = 10_000

/** The garbage of starting, of compiling the modules and the schemas: 18 MiB of 102. */
const SETTLE_AFTER_MS = 1000

type Collect = (options?: { readonly type: 'minor' }) => void

/**
 * Keeps the receiver's memory where it should be. V8 lets buffers grow to some multiple of what
 * lived when it looked last, whatever the limit of memory is, and looks no more once nothing is
 * allocated: so garbage is collected as requests come, when there is too much of it, and after
 * start and load, as a server on a laptop is idle most of its life.
 *
 * @returns ends that
 */
export function settleMemory({ buffersBytes, takenBytes }: MemoryWatch): () => void {
  const collect = collector()
  const start = performance.now()
  let quietSince = start - QUIET_MS + SETTLE_AFTER_MS
  let quietBytes = 0
  let youngFrom = 0
  let isSettled = false
  let limit = buffersBytes

  const look = (): void => {
    const now = performance.now()
    const taken = takenBytes()
    if (taken - quietBytes > QUIET_BYTES) {
      quietSince = now
      quietBytes = taken
      isSettled = false
    }
    if (taken - youngFrom > YOUNG_BYTES) {
      youngFrom = taken
      collect({ type: 'minor' })
    }
    if (!isSettled && now - quietSince > QUIET_MS) {
      isSettled = true
      dropFreeMemory()
      collect()
      limit = buffersBytes
    } else if (buffers() > limit) {
      dropFreeMemory()
      if (buffers() <= limit) return
      collect()
      limit = Math.max(buffersBytes, buffers() + MORE_BYTES)
    }
  }
  const timer = setInterval(look, LOOK_EVERY_MS).unref()
  return () => clearInterval(timer)
}

function buffers(): number {
  return getHeapStatistics().external_memory
}

function collector(): Collect {
  setFlagsFromString('--expose-gc')
  const collect: unknown = runInNewContext('gc')
  setFlagsFromString('--no-expose-gc')
  return typeof collect === 'function' ? (collect as Collect) : () => {}
}
