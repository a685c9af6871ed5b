import { encodeTraces, generateRequests, kv, tracesOf } from '@spanlink/testkit/otlp'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { minimalSpans, requestOf, sendCompressed, spanWithEvents, spanWithKey, spanWithLinks } from './hostile-spans.ts'
import { expectUnharmed, runAttack } from './run-attack.ts'

const bodies = {
  'a span with 1,000,000 links': () => requestOf([spanWithLinks(1_000_000)]),
  '2,200,000 minimal spans': () => minimalSpans(2_200_000),
  'a span with 10,000,000 empty events': () => requestOf([spanWithEvents(10_000_000)]),
  'an attribute key of 60 MB': () => requestOf([spanWithKey(60_000_000)]),
}

test('oversized spans, keys and span counts, sent twice, leave other exporters served', async () => {
  const statuses: Record<string, number[]> = {}
  const report = await runAttack({
    attack: async (server) => {
      for (const [name, bodyOf] of Object.entries(bodies)) {
        statuses[name] = []
        for (let turn = 0; turn < 2; turn++) {
          const response = await sendCompressed(server, bodyOf())
          await response.arrayBuffer()
          statuses[name].push(response.status)
        }
      }
    },
  })
  expectUnharmed(report)
  const unexpected = Object.entries(statuses).filter(
    ([, got]) => !got.every((one) => [200, 400, 413, 503].includes(one)),
  )
  expect(unexpected).toEqual([])
}, 240_000)

test.each([
  { megabytes: 60, memoryMiB: 1024 },
  { megabytes: 20, memoryMiB: 640 },
])(
  'a batch of $megabytes MiB of ordinary spans is stored at --max-memory $memoryMiB MiB',
  async ({ megabytes, memoryMiB }) => {
    const { body, spans } = ordinaryBatch(megabytes)
    const report = await runAttack({
      memoryMiB,
      attack: async (server) => {
        let response = await sendCompressed(server, body)
        // The memory of an earlier request may not be free yet; exporters retry too.
        for (; response.status === 503; response = await sendCompressed(server, body)) await sleep(1000)
        expect([response.status, await response.text()]).toEqual([200, ''])
        const stored = async (): Promise<number> => ((await server.getJson('/api/status')) as Status).store.spans
        while ((await stored()) < spans) await sleep(200)
        const { quarantine } = (await server.getJson('/api/status')) as Status
        expect(quarantine.segments).toBe(0)
      },
    })
    expectUnharmed(report)
  },
  240_000,
)

test('a batch whose backlinks are forty times as large as its spans is stored', async () => {
  const send = { traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8) }
  const spans = Array.from({ length: 40 }, (_, at) => ({
    traceId: `${at + 10}`.padStart(32, '0'),
    spanId: `${at + 10}`.padStart(16, '0'),
    name: 'n'.repeat(850),
    kind: 5,
    startTimeUnixNano: String(BigInt(Date.now()) * 1_000_000n),
    endTimeUnixNano: String(BigInt(Date.now()) * 1_000_000n),
    attributes: [kv('kafka.message.key', 'k'.repeat(900))],
    links: Array.from({ length: 16_384 }, () => ({ ...send, attributes: [] })),
  }))
  const report = await runAttack({
    attack: async (server) => {
      const response = await sendCompressed(server, Buffer.from(encodeTraces(tracesOf('payment', spans))))
      expect([response.status, await response.text()]).toEqual([200, ''])
      const status = async (): Promise<Status> => (await server.getJson('/api/status')) as Status
      for (let { store } = await status(); store.links < 40 * 16_384; { store } = await status()) {
        expect((await status()).quarantine.segments).toBe(0)
        await sleep(200)
      }
    },
  })
  expectUnharmed(report)
}, 240_000)

type Status = {
  readonly store: { readonly spans: number; readonly links: number }
  readonly quarantine: { readonly segments: number }
}

/** Concatenated protobuf requests are one request. */
function ordinaryBatch(megabytes: number): { readonly body: Buffer; readonly spans: number } {
  const parts: Buffer[] = []
  const perPart = 4000
  for (let bytes = 0, seed = 1; ; seed++) {
    const [request = {}] = generateRequests({ spans: perPart, attributes: 10, linkRatio: 0.25, seed }, perPart)
    const part = Buffer.from(encodeTraces(request))
    bytes += part.length
    if (bytes > megabytes * 2 ** 20) return { body: Buffer.concat(parts), spans: parts.length * perPart }
    parts.push(part)
  }
}
