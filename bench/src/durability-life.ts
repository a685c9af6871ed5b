import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { encodeTraces, kv, tracesOf } from '@spanlink/testkit/otlp'
import { type SpanlinkServer, startSpanlink } from '@spanlink/testkit/spanlink'

/** How a server's life ends. */
export type Death = 'server' | 'server and engine at once' | 'server between insert and removal of the segment'

export type Sent = { readonly acked: string[]; readonly unanswered: string[]; refused: number }

/** Short enough for a kill to fall before, into and after a segment's insert, which begins 300 ms after its first request. */
const LONGEST_WAIT_MS = 700

const SENDERS = 3
const SPANS_PER_REQUEST = 5

/** Other programs shall get some of the cores too. */
const PAUSE_MS = 8

const ENGINE_BACK_WITHIN_MS = 60_000

const killBeforeRemoval = new URL('./kill-before-removal.ts', import.meta.url).href

/** Starts a server, sends to it, kills its engine `engineKills` times and then the server. */
export async function liveOnce(
  options: { readonly dataDir: string; readonly env: Readonly<Record<string, string>> },
  death: Death,
  engineKills: number,
  sent: Sent,
): Promise<void> {
  const atRemoval = death === 'server between insert and removal of the segment'
  const fault = {
    NODE_OPTIONS: `--import=${killBeforeRemoval}`,
    KILL_AT_REMOVAL: String(1 + Math.floor(Math.random() * 3)),
  }
  const server = await startSpanlink({ ...options, env: { ...options.env, ...(atRemoval ? fault : {}) } }).catch(
    (error: Error) => {
      // It stores what the life before left, and the first removal may come before it is ready.
      if (atRemoval && /code 137|ESRCH|fetch failed/.test(error.message)) return undefined
      throw error
    },
  )
  if (server === undefined) return
  const senders = Array.from({ length: SENDERS }, () => send(server, sent))
  for (let kill = 0; kill < engineKills; kill++) {
    await sleep(Math.random() * LONGEST_WAIT_MS)
    await killEngine(server)
  }
  if (atRemoval) {
    // Ends by itself, by SIGKILL.
    await Promise.all(senders)
    return
  }
  await sleep(Math.random() * LONGEST_WAIT_MS)
  const enginePid = death === 'server and engine at once' ? await server.enginePid() : undefined
  if (enginePid !== undefined) process.kill(enginePid, 'SIGKILL')
  await server.kill('SIGKILL')
  await Promise.all(senders)
}

/** Waits for the next engine to answer: a second kill shall not meet one that is not there. */
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
async function send(server: SpanlinkServer, sent: Sent): Promise<void> {
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
      if (answer.status === 200) sent.acked.push(...ids)
      else sent.refused += ids.length
    } catch {
      sent.unanswered.push(...ids)
      return
    }
    await sleep(PAUSE_MS)
  }
}

type Status = {
  readonly engine: { readonly restarts: number; readonly state: string }
  readonly journal: { readonly segments: number; readonly tornBytes: number }
}

export async function status(server: SpanlinkServer): Promise<Status> {
  return (await server.getJson('/api/status')) as Status
}
