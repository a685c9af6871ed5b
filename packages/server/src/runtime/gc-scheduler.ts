import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { clearBufferPool } from './buffer-pool.ts'

export type GcOptions = {
  /** Bytes of buffers, live and garbage, above which a full GC runs. */
  readonly maxBufferBytes: number
  /** Bytes received since the start. */
  readonly getReceivedBytes: () => number
}

const CHECK_INTERVAL_MS = 100

/** A minor GC collects the chunks of this many received bytes in 2 ms, while they are young. */
const MINOR_GC_INTERVAL_BYTES = 24 * 1024 * 1024

/** A full GC takes 20 to 40 ms: if it frees too little, the next one waits for this much more. */
const LIMIT_STEP_BYTES = 16 * 1024 * 1024

/** The server is idle if it receives at most this much in `IDLE_MS`. */
const MAX_IDLE_BYTES = 1024 * 1024
const IDLE_MS = 10_000

/** Collects the garbage of startup (compiled modules and schemas): 18 MiB of 102. */
const FIRST_GC_DELAY_MS = 1000

type Collect = (options?: { readonly type: 'minor' }) => void

/**
 * Limits the receiver's memory. V8 lets buffers grow to a multiple of those that survived its last
 * GC, regardless of any memory limit, and runs no GC without allocations. So there is a minor GC
 * every 24 MiB received, and a full GC above `maxBufferBytes`, after startup and when idle.
 *
 * @returns stops the scheduler
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
