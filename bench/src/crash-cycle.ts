import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '@spanlink/testkit/otlp'
import { sendUntilFailure } from '@spanlink/testkit/send-until-failure'
import { type SpanlinkServer, startSpanlink } from '@spanlink/testkit/spanlink'

/** The kill point at the end of a cycle. */
export type CrashPoint = 'server' | 'server and engine at once' | 'server between insert and removal of the segment'

/** Span ids with the number of the cycle that sent them; `rejected` counts spans. */
export type SentSpans = {
  readonly acked: Map<string, number>
  readonly unacknowledged: Map<string, number>
  rejected: number
}

export type CrashCycle = {
  readonly number: number
  readonly crashPoint: CrashPoint
  readonly engineKills: number
  /** Source of the random moments of this cycle. */
  readonly random: Random
}

export type CrashServerOptions = {
  readonly dataDir: string
  /** A built `main.js`. */
  readonly main: string
  readonly env: Readonly<Record<string, string>>
}

/**
 * Short enough that a kill falls before, during or after a segment's insert, which starts 300 ms
 * after its first request.
 */
const MAX_WAIT_MS = 700

const SENDERS = 3

/** Leaves CPU time for other processes. */
const SEND_INTERVAL_MS = 8

const ENGINE_RESTART_TIMEOUT_MS = 300_000

const killBeforeRemoval = new URL('./kill-before-removal.ts', import.meta.url).href

/**
 * Starts a server, sends to it, kills its engine `engineKills` times and then the server.
 *
 * @returns the server's last output lines
 */
export async function runCrashCycle(options: CrashServerOptions, cycle: CrashCycle, sent: SentSpans): Promise<string> {
  const { crashPoint, engineKills, random } = cycle
  const atRemoval = crashPoint === 'server between insert and removal of the segment'
  const fault = {
    NODE_OPTIONS: `--import=${killBeforeRemoval}`,
    KILL_AT_REMOVAL: String(1 + Math.floor(random() * 3)),
  }
  const server = await startSpanlink({ ...options, env: { ...options.env, ...(atRemoval ? fault : {}) } }).catch(
    (error: Error & { readonly exitCode?: number }) => {
      // The server inserts the previous cycle's segments, so the first removal may precede
      // readiness.
      if (atRemoval && error.exitCode === KILLED) return undefined
      throw error
    },
  )
  if (server === undefined) return 'killed at the removal of a segment while it was starting'
  const senders = Array.from({ length: SENDERS }, () => sendUntilKilled(server, cycle.number, sent))
  // Rejections are reported at the end, where all senders are awaited.
  for (const sender of senders) sender.catch(() => {})
  for (let kill = 0; kill < engineKills; kill++) {
    await sleep(random() * MAX_WAIT_MS)
    await killEngine(server)
  }
  if (!atRemoval) {
    await sleep(random() * MAX_WAIT_MS)
    const enginePid = crashPoint === 'server and engine at once' ? await server.enginePid() : undefined
    if (enginePid !== undefined) process.kill(enginePid, 'SIGKILL')
    await server.kill('SIGKILL')
  }
  // With this kill point the server kills itself with SIGKILL at a removal.
  await Promise.all(senders)
  return server.stderr()
}

/** 128 + SIGKILL (9). */
const KILLED = 137

/** Waits until the next engine responds, so that a second kill finds a running engine. */
async function killEngine(server: SpanlinkServer): Promise<void> {
  const pid = await server.enginePid()
  if (pid === undefined) throw new Error('the server has no engine')
  const { restarts } = (await fetchStatus(server)).engine
  process.kill(pid, 'SIGKILL')
  const deadline = performance.now() + ENGINE_RESTART_TIMEOUT_MS
  for (;;) {
    const { engine } = await fetchStatus(server)
    if (engine.restarts > restarts && engine.state === 'ready') return
    if (performance.now() > deadline) throw new Error(`the engine did not restart:\n${server.stderr()}`)
    await sleep(50)
  }
}

async function sendUntilKilled(server: SpanlinkServer, cycle: number, sent: SentSpans): Promise<void> {
  const error = await sendUntilFailure(
    server,
    (spanIds, status) => {
      if (status === 200) for (const id of spanIds) sent.acked.set(id, cycle)
      else if (status === undefined) for (const id of spanIds) sent.unacknowledged.set(id, cycle)
      else sent.rejected += spanIds.length
    },
    SEND_INTERVAL_MS,
  )
  if (await hasExited(server.pid)) return
  throw new Error(`a request failed but the server is running:\n${server.stderr()}`, { cause: error })
}

/** A kill of the server is the only valid reason for a broken connection. */
async function hasExited(pid: number): Promise<boolean> {
  for (const deadline = performance.now() + 10_000; performance.now() < deadline; await sleep(10)) {
    try {
      process.kill(pid, 0)
    } catch {
      return true
    }
  }
  return false
}

type Status = {
  readonly engine: { readonly restarts: number; readonly state: string }
  readonly journal: { readonly segments: number; readonly tornBytes: number }
}

export async function fetchStatus(server: SpanlinkServer): Promise<Status> {
  return (await server.getJson('/api/status')) as Status
}
