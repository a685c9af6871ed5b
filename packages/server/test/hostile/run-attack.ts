import { type SpanlinkServer, startSpanlink } from '@spanlink/testkit/spanlink'
import { type GoodExporters, MIN_ACKED_REQUESTS, startGoodExporters } from './good-exporters.ts'
import { watchMemory } from './watch-memory.ts'
import { watchSlowdown } from './watch-slowdown.ts'

const MiB = 2 ** 20

export type AttackOptions = {
  /** `--max-memory`: the limit for receiver and ClickHouse together. @default 1024 */
  readonly memoryMiB?: number
  /** Further arguments of `spanlink serve`. */
  readonly args?: readonly string[]
  /** Well-behaved exporters beside the attack. @default 2 */
  readonly exporters?: number
  /**
   * Runs beside the good exporters, which continue after it until enough of their requests were
   * acknowledged.
   */
  readonly attack: (server: SpanlinkServer) => Promise<void>
}

export type AttackReport = {
  /**
   * Requests sent since the attack began and acknowledged, of the exporter that had the fewest.
   */
  readonly ackedRequests: number
  /** How many times a good exporter got 429 or 503 and sent the request again. */
  readonly pushedBack: number
  readonly ackP99Ms: number
  /**
   * From an acknowledgement until all spans of the request were returned by the API; `undefined` =
   * some never were.
   */
  readonly slowestQueryableMs: number | undefined
  readonly peakRssMiB: number
  readonly memoryMiB: number
  /** Factor by which other load slowed the machine; scales the time limits. */
  readonly slowdown: number
  readonly engineRestarts: number
  readonly isServerAlive: boolean
  /**
   * Each line of the server once, without stack frames: the first failure repeats itself in every
   * request after it.
   */
  readonly log: string
}

const MAX_ACK_MS = 1000
const MAX_QUERYABLE_MS = 5000
const MEMORY_TOLERANCE = 1.1

/** Runs an attack beside good exporters, against a new server with a memory limit. */
export async function runAttack(options: AttackOptions): Promise<AttackReport> {
  const { memoryMiB = 1024, args = [], exporters = 2, attack } = options
  await using server = await startSpanlink({ args: ['--max-memory', `${memoryMiB}MiB`, ...args] })
  const memory = watchMemory(server)
  const slowdown = watchSlowdown()
  const good = startGoodExporters(server, exporters)
  let results: GoodExporters
  try {
    await good.untilWarm()
    await attack(server)
  } finally {
    results = await good.stop()
  }
  const status = (await server.getJson('/api/status').catch(() => undefined)) as Status | undefined
  return {
    ...results,
    memoryMiB,
    peakRssMiB: memory.stop() / MiB,
    slowdown: await slowdown.stop(),
    engineRestarts: status?.engine.restarts ?? Number.NaN,
    isServerAlive: status?.engine.state === 'ready',
    log: [...new Set(server.stderr().split('\n'))].filter((line) => !line.startsWith('    at ')).join('\n'),
  }
}

type Status = { readonly engine: { readonly restarts: number; readonly state: string } }

/** Checks the invariants of every attack; time limits are scaled by the slowdown. */
export function expectUnharmed(report: AttackReport): void {
  const { ackedRequests, ackP99Ms, slowestQueryableMs = Infinity, slowdown, memoryMiB, peakRssMiB } = report
  const broken = Object.entries({
    'server and ClickHouse are alive': report.isServerAlive && report.engineRestarts === 0,
    'each good exporter had enough requests acknowledged': ackedRequests >= MIN_ACKED_REQUESTS,
    'acknowledged spans are queryable': slowestQueryableMs < MAX_QUERYABLE_MS * slowdown,
    'acknowledgements are fast': ackP99Ms < MAX_ACK_MS * slowdown,
    'memory is within its limit': peakRssMiB < memoryMiB * MEMORY_TOLERANCE,
  }).flatMap(([what, holds]) => (holds ? [] : [what]))
  if (broken.length > 0) throw new Error(`does not hold: ${broken.join(', ')}; ${JSON.stringify(report, null, 1)}`)
}
