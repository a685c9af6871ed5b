import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { clearBufferPool } from './buffer-pool.ts'

export type GcOptions = {
  /** Buffers, live and garbage, beyond which garbage is collected. */
  readonly maxBufferBytes: number
  /** What was taken from outside since the start. */
  readonly getReceivedBytes: () => number
}

const CHECK_INTERVAL_MS = 100

/** The pieces that so many bytes came in are collected in 2 ms, as long as they are young. */
const MINOR_GC_INTERVAL_BYTES = 24 * 1024 * 1024

/**
 * A whole collection takes 20 to 40 ms: where all is in use, the next one is when there is so much
 * more.
 */
const LIMIT_STEP_BYTES = 16 * 1024 * 1024

/** With less than this in this time there is no load. */
const MAX_IDLE_BYTES = 1024 * 1024
const IDLE_MS = 10_000

/** The garbage of starting, of compiling the modules and the schemas: 18 MiB of 102. */
const FIRST_GC_DELAY_MS = 1000

type Collect = (options?: { readonly type: 'minor' }) => void

/**
 * Keeps the receiver's memory where it should be. V8 lets buffers grow to some multiple of what
 * lived when it looked last, whatever the limit of memory is, and looks no more once nothing is
 * allocated: so garbage is collected as requests come, when there is too much of it, and after
 * start and load, as a server on a laptop is idle most of its life.
 *
 * @returns ends that
 */
export function scheduleGc({ maxBufferBytes, getReceivedBytes }: GcOptions): () => void {
  const collect = loadGc()
  const start = performance.now()
  let quietSince = start - IDLE_MS + FIRST_GC_DELAY_MS
  let quietBytes = 0
  let youngFrom = 0
  let isSettled = false
  let limit = maxBufferBytes

  const look = (): void => {
    const now = performance.now()
    const taken = getReceivedBytes()
    if (taken - quietBytes > MAX_IDLE_BYTES) {
      quietSince = now
      quietBytes = taken
      isSettled = false
    }
    if (taken - youngFrom > MINOR_GC_INTERVAL_BYTES) {
      youngFrom = taken
      collect({ type: 'minor' })
    }
    if (!isSettled && now - quietSince > IDLE_MS) {
      isSettled = true
      clearBufferPool()
      collect()
      limit = maxBufferBytes
    } else if (getBufferBytes() > limit) {
      clearBufferPool()
      if (getBufferBytes() <= limit) return
      collect()
      limit = Math.max(maxBufferBytes, getBufferBytes() + LIMIT_STEP_BYTES)
    }
  }
  const timer = setInterval(look, CHECK_INTERVAL_MS).unref()
  return () => clearInterval(timer)
}

function getBufferBytes(): number {
  return getHeapStatistics().external_memory
}

function loadGc(): Collect {
  setFlagsFromString('--expose-gc')
  const collect: unknown = runInNewContext('gc')
  setFlagsFromString('--no-expose-gc')
  return typeof collect === 'function' ? (collect as Collect) : () => {}
}
