import { get, type IncomingMessage } from 'node:http'
import { gzipSync } from 'node:zlib'
import { encodeTraces, generateRequests } from '@spanlink/testkit/otlp'
import type { SpanlinkServer } from '@spanlink/testkit/spanlink'
import { expect, test, vi } from 'vitest'
import { expectUnharmed, runAttack } from './run-attack.ts'

const MINUTES = 60_000

test(
  '120 parallel searches of all time leave exporters served, and some return 429 with Retry-After',
  async () => {
    const statuses = new Map<number, number>()
    const report = await runAttack({
      attack: async (server) => {
        await fill(server)
        await Promise.all(
          Array.from({ length: 120 }, async (_, at) => {
            const query = `{ span.none = "${at}" || name =~ ".*x${at}y.*z" }`
            const response = await fetch(`${server.url}/api/traces?start=0&q=${encodeURIComponent(query)}`)
            const body = await response.text()
            statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1)
            if (response.status !== 429) return
            expect(JSON.parse(body)).toMatchObject({ status: 429, title: 'Too many requests' })
            expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
          }),
        )
      },
    })
    expectUnharmed(report)
    expect([...statuses.keys()].filter((status) => ![200, 422, 429, 503, 504].includes(status))).toEqual([])
    // A search that runs out of time is a 422.
    expect((statuses.get(200) ?? 0) + (statuses.get(422) ?? 0)).toBeGreaterThan(0)
    expect(statuses.get(429)).toBeGreaterThan(0)
  },
  10 * MINUTES,
)

test(
  '32 of 1,000 tails from one address are accepted, and a tail from another address is too',
  async () => {
    const report = await runAttack({
      attack: async (server) => {
        const tails = await Promise.all(Array.from({ length: 1000 }, () => openTail(server, '127.0.0.1')))
        const statuses = tails.map((tail) => tail.statusCode)
        expect(statuses.filter((status) => status === 200)).toHaveLength(32)
        expect(statuses.filter((status) => status === 429)).toHaveLength(968)
        const other = await openTail(server, '127.0.0.2')
        expect(other.statusCode).toBe(200)
        for (const tail of [...tails, other]) tail.destroy()
        // Closed tails no longer count.
        await vi.waitUntil(
          async () => {
            const tail = await openTail(server, '127.0.0.1')
            tail.destroy()
            return tail.statusCode === 200
          },
          { timeout: 60_000 },
        )
      },
    })
    expectUnharmed(report)
  },
  10 * MINUTES,
)

/** Stores spans to search. */
async function fill(server: SpanlinkServer): Promise<void> {
  for (const request of generateRequests({ seed: 7, spans: 60_000 }, 4000)) {
    const response = await fetch(`${server.otlpHttp}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-protobuf', 'content-encoding': 'gzip' },
      body: Buffer.from(gzipSync(encodeTraces(request))),
    })
    expect([response.status, await response.text()]).toEqual([200, ''])
  }
}

/**
 * Connects from `localAddress`, any of 127/8. Resolves when the response headers arrive.
 */
async function openTail(server: SpanlinkServer, localAddress: string): Promise<IncomingMessage> {
  const { hostname, port } = new URL(server.url)
  return await new Promise((resolve, reject) => {
    const request = get({ hostname, port, path: '/api/traces/tail', localAddress, agent: false }, (response) => {
      response.on('error', () => {})
      resolve(response.resume())
    })
    request.on('error', reject)
  })
}
