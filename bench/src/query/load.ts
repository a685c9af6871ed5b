import { existsSync } from 'node:fs'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SpanlinkServer } from '@spanlink/testkit/spanlink'
import { sendAll } from '../ingest-senders.ts'
import type { ServerObserver } from '../settle.ts'
import { toHex } from './encode-spans.ts'
import { encodeSpecialTraces } from './special-traces.ts'
import {
  encodeOrders,
  ORDERS_PER_REQUEST,
  SPANS_PER_ORDER,
  SPANS_PER_TRACE,
  type Traffic,
  traceIdOf,
  userOf,
} from './traffic.ts'

export type Dataset = {
  readonly traffic: Traffic
  readonly orders: number
  readonly endNano: bigint
  /** With traces of 1,000 and 100,000 spans, spans with 1,000 links, and a flow of 200 traces. */
  readonly hasSpecialTraces: boolean
}

const SENDERS = 4
/** Up to this number, requests are generated before the first is sent, in 2 GB of memory. */
const MAX_PREPARED_SPANS = 4_000_000

/** Sends the data set to the server and waits until merges have ended. Returns what that took. */
export async function loadDataset(
  server: SpanlinkServer,
  observer: ServerObserver,
  dataset: Dataset,
  log: (line: string) => void,
): Promise<(readonly [name: string, value: string])[]> {
  const { traffic, orders, hasSpecialTraces } = dataset
  const spans = orders * SPANS_PER_ORDER
  if (hasSpecialTraces) await sendAll(server.otlpHttp, encodeSpecialTraces(traffic.startNano, orders), SENDERS)
  const special = (await settledStatus()).store.spans
  let wireBytes = 0
  const isPrepared = spans <= MAX_PREPARED_SPANS
  const bodies = isPrepared ? [...generateBodies()] : generateBodies()

  const usedBefore = observer.usedSeconds()
  const start = performance.now()
  await sendAll(server.otlpHttp, bodies, SENDERS)
  const acked = performance.now()
  const ackedPerSecond = (spans / (acked - start)) * 1000
  log(`acknowledged in ${seconds(acked - start)}`)
  await waitUntilQueryable(server.url, dataset)
  const queryable = performance.now()
  const status = await settledStatus()
  const used = observer.usedSeconds() - usedBefore
  log(`settled in ${seconds(performance.now() - start)}`)
  const stored = status.store.spans - special
  if (stored !== spans) throw new Error(`${spans} spans were acknowledged, ${stored} are stored`)
  return [
    ['B/span on the wire', (wireBytes / spans).toFixed(0)],
    [`acked spans/s, ${SENDERS} senders${isPrepared ? '' : ', generated meanwhile'}`, whole(ackedPerSecond)],
    ['spans per CPU-second until settled', whole(spans / used)],
    ['queryable after the last ack', seconds(queryable - acked)],
    ['disk B/span, live parts', (status.store.bytesOnDisk / status.store.spans).toFixed(1)],
  ]

  async function settledStatus(): ReturnType<ServerObserver['fetchStatus']> {
    await observer.waitUntilSettled()
    return await observer.fetchStatus()
  }

  function* generateBodies(): Generator<Buffer> {
    const startedAt = performance.now()
    let done = 0
    for (const body of encodeOrders(traffic, 0, orders)) {
      wireBytes += body.length
      yield body
      done = Math.min(orders, done + ORDERS_PER_REQUEST)
      if (Math.floor((done * 20) / orders) === Math.floor(((done - ORDERS_PER_REQUEST) * 20) / orders)) continue
      const elapsed = performance.now() - startedAt
      log(
        `${whole(done * SPANS_PER_ORDER)} spans in ${seconds(elapsed)}, ${seconds((elapsed / done) * (orders - done))} to go`,
      )
    }
  }
}

/** Polls cost the server CPU, so they are few. */
const POLL_MS = 100

/** Polls until traces of the last requests are complete and found by an attribute. */
async function waitUntilQueryable(url: string, { traffic, orders, endNano }: Dataset): Promise<void> {
  const fetchJson = async (path: string): Promise<Record<string, readonly { readonly traceId: string }[]>> => {
    for (;;) {
      const response = await fetch(url + path)
      if (response.ok) return (await response.json()) as Record<string, readonly { readonly traceId: string }[]>
      await response.arrayBuffer()
      await sleep(POLL_MS)
    }
  }
  for (let nth = 0; nth < SENDERS; nth++) {
    const order = Math.max(0, orders - 1 - nth * ORDERS_PER_REQUEST)
    const traceId = toHex(traceIdOf(order, 3))
    while ((await fetchJson(`/api/traces/${traceId}`))['spans']?.length !== SPANS_PER_TRACE) await sleep(POLL_MS)
    const q = encodeURIComponent(`{ span.user.id = "${userOf(traffic, order)}" }`)
    const search = `/api/traces?limit=20&start=${endNano - 60_000_000_000n}&end=${endNano + 60_000_000_000n}&q=${q}`
    while (!(await fetchJson(search))['traces']?.some((trace) => trace.traceId === traceId)) await sleep(POLL_MS)
  }
}

/** Bytes by table of all files, merged-away parts included. */
export async function measureTables(dataDir: string): Promise<[table: string, bytes: number][]> {
  const database = join(dataDir, 'clickhouse/data/spanlink')
  const sizes = (await readdir(database)).map(async (table): Promise<[string, number]> => [
    table,
    await measureFiles(join(database, table)),
  ])
  return (await Promise.all(sizes)).sort((a, b) => b[1] - a[1])
}

async function measureFiles(path: string): Promise<number> {
  const found = await stat(path)
  if (!found.isDirectory()) return found.size
  const sizes = (await readdir(path)).map((name) => measureFiles(join(path, name)))
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}

const MARKER = 'bench-dataset.json'

/** Whether the directory holds this data set; throws if it holds anything else. */
export async function holdsDataset(dataDir: string, dataset: Dataset): Promise<boolean> {
  const marker = join(dataDir, MARKER)
  if (existsSync(marker)) {
    if ((await readFile(marker, 'utf8')) === describe(dataset)) return true
    throw new Error(`${dataDir} holds another data set: ${await readFile(marker, 'utf8')}`)
  }
  if (existsSync(join(dataDir, 'clickhouse'))) throw new Error(`${dataDir} holds other data or an interrupted load`)
  return false
}

export async function markLoaded(dataDir: string, dataset: Dataset): Promise<void> {
  await writeFile(join(dataDir, MARKER), describe(dataset))
}

function describe(dataset: Dataset): string {
  return JSON.stringify(dataset, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en')
}
