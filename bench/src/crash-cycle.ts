import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { encodeTraces, kv, type Random, tracesOf } from '@spanlink/testkit/otlp'
import { type SpanlinkServer, startSpanlink } from '@spanlink/testkit/spanlink'

/** The kill point at the end of a cycle. */
export type CrashPoint = 'server' | 'server and engine at once' | 'server between insert and removal of the segment'

/** Span ids with the number of the cycle that sent them. */
export type Sent = { readonly acked: Map<string, number>; readonly unanswered: Map<string, number>; refused: number }

export type Life = {
  readonly number: number
  readonly death: CrashPoint
  readonly engineKills: number
  /** Source of the random moments of this cycle. */
  readonly random: Random
}

export type Place = {
  readonly dataDir: string
  /** A built `main.js`. */
  readonly main: string
  readonly env: Readonly<Record<string, string>>
}

/**
 * Short enough that a kill falls before, during or after a segment's insert, which starts 300 ms
 * after its first request.
 */
const LONGEST_WAIT_MS = 700

const SENDERS = 3
const SPANS_PER_REQUEST = 5

/** Leaves CPU time for other processes. */
const PAUSE_MS = 8

const ENGINE_BACK_WITHIN_MS = 300_000

const killBeforeRemoval = new URL('./kill-before-removal.ts', import.meta.url).href

/**
 * Starts a server, sends to it, kills its engine `engineKills` times and then the server.
 *
 * @returns the server's last output lines
 */
export async function runCrashCycle(place: Place, life: Life, sent: Sent): Promise<string> {
  const { death, engineKills, random } = life
  const atRemoval = death === 'server between insert and removal of the segment'
  const fault = {
    NODE_OPTIONS: `--import=${killBeforeRemoval}`,
    KILL_AT_REMOVAL: String(1 + Math.floor(random() * 3)),
  }
  const server = await startSpanlink({ ...place, env: { ...place.env, ...(atRemoval ? fault : {}) } }).catch(
    (error: Error & { readonly exitCode?: number }) => {
      // The server inserts the previous cycle's segments, so the first removal may precede
      // readiness.
      if (atRemoval && error.exitCode === KILLED) return undefined
      throw error
    },
  )
  if (server === undefined) return 'killed at the removal of a segment while it was starting'
  const senders = Array.from({ length: SENDERS }, () => send(server, life.number, sent))
  // Rejections are reported at the end, where all senders are awaited.
  for (const sender of senders) sender.catch(() => {})
  for (let kill = 0; kill < engineKills; kill++) {
    await sleep(random() * LONGEST_WAIT_MS)
    await killEngine(server)
  }
  if (!atRemoval) {
    await sleep(random() * LONGEST_WAIT_MS)
    const enginePid = death === 'server and engine at once' ? await server.enginePid() : undefined
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
  const { restarts } = (await status(server)).engine
  process.kill(pid, 'SIGKILL')
  const giveUp = performance.now() + ENGINE_BACK_WITHIN_MS
  for (;;) {
    const { engine } = await status(server)
    if (engine.restarts > restarts && engine.state === 'ready') return
    if (performance.now() > giveUp) throw new Error(`the engine was not started again:\n${server.stderr()}`)
    await sleep(50)
  }
}

/** Sends until the server is gone. */
async function send(server: SpanlinkServer, life: number, sent: Sent): Promise<void> {
  for (;;) {
    const ids = Array.from({ length: SPANS_PER_REQUEST }, () => randomBytes(8).toString('hex'))
    const body = encodeTraces(
      tracesOf(
        'kill',
        ids.map((spanId) => ({
          traceId: randomBytes(16).toString('hex'),
          spanId,
          name: 'span',
          attributes: [kv('key', 'value')],
          links: [{ traceId: randomBytes(16).toString('hex'), spanId: randomBytes(8).toString('hex') }],
        })),
      ),
    )
    try {
      const headers = { 'content-type': 'application/x-protobuf' }
      const answer = await fetch(`${server.otlpHttp}/v1/traces`, {
        method: 'POST',
        headers,
        body: Uint8Array.from(body),
      })
      if (answer.status === 200) for (const id of ids) sent.acked.set(id, life)
      else sent.refused += ids.length
    } catch (error) {
      for (const id of ids) sent.unanswered.set(id, life)
      if (await isGone(server.pid)) return
      throw new Error(`a request failed and the server lives:\n${server.stderr()}`, { cause: error })
    }
    await sleep(PAUSE_MS)
  }
}

/** A kill of the server is the only valid reason for a broken connection. */
async function isGone(pid: number): Promise<boolean> {
  for (const giveUp = performance.now() + 10_000; performance.now() < giveUp; await sleep(10)) {
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

export async function status(server: SpanlinkServer): Promise<Status> {
  return (await server.getJson('/api/status')) as Status
}
