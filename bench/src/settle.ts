import { setTimeout as sleep } from 'node:timers/promises'
import type { SpanlinkServer } from '@spanlink/testkit/spanlink'
import { cpuSeconds, residentMiB } from './process-stats.ts'

export type Status = {
  readonly journal: { readonly bytes: number }
  readonly engine: { readonly version: string }
  readonly store: { readonly spans: number; readonly bytesOnDisk: number }
}

/** Reads what a server and its ClickHouse use, and waits for their work to end. */
export type ServerObserver = {
  readonly fetchStatus: () => Promise<Status>
  /** CPU time of both so far. */
  readonly usedSeconds: () => number
  /** Memory of both now, and the maximum of 20 samples a second. */
  readonly residentMiB: () => number
  readonly maxResidentMiB: () => number
  readonly waitUntilStored: () => Promise<void>
  /** Waits until everything is stored and merges have ended: both were idle for four seconds. */
  readonly waitUntilSettled: () => Promise<void>
  readonly [Symbol.dispose]: () => void
}

export async function observeServer(server: SpanlinkServer): Promise<ServerObserver> {
  let enginePid = await server.enginePid()
  // The server restarts an engine that ended; its CPU time then counts from there.
  const followingRestarts = setInterval(() => {
    void server.enginePid().then((pid) => (enginePid = pid))
  }, 1000)
  const readIfAlive = (read: (pid: number) => number, pid: number | undefined): number => {
    try {
      return pid === undefined ? 0 : read(pid)
    } catch {
      return 0
    }
  }
  const sum = (read: (pid: number) => number): number => readIfAlive(read, server.pid) + readIfAlive(read, enginePid)
  const fetchStatus = async (): Promise<Status> => (await server.getJson('/api/status')) as Status
  const usedSeconds = (): number => sum(cpuSeconds)
  const waitUntilStored = async (): Promise<void> => {
    while ((await fetchStatus()).journal.bytes > 0) await sleep(20)
  }
  let maxMiB = 0
  const sampling = setInterval(() => (maxMiB = Math.max(maxMiB, sum(residentMiB))), 50)
  return {
    fetchStatus,
    usedSeconds,
    residentMiB: () => sum(residentMiB),
    maxResidentMiB: () => maxMiB,
    waitUntilStored,
    waitUntilSettled: async () => {
      for (let idle = 0; idle < 8;) {
        await waitUntilStored()
        const before = usedSeconds()
        await sleep(500)
        idle = usedSeconds() - before < 0.05 ? idle + 1 : 0
      }
    },
    [Symbol.dispose]: () => {
      clearInterval(sampling)
      clearInterval(followingRestarts)
    },
  }
}
