import { zstdCompressSync } from 'node:zlib'
import type { SpanlinkServer } from '@spanlink/testkit/spanlink'
import { expect, test } from 'vitest'
import { expectUnharmed, runAttack } from './run-attack.ts'

const BODY_BYTES = 63 * 1024 * 1024

const SPANS = '{"resourceSpans":[{"scopeSpans":[{"spans":['

const bodies = [
  ['/v1/traces', '{"x":', '[', ''],
  ['/v1/traces', '{"x":[', '{},', '{}]}'],
  // JSON.parse with a reviver for such integers ran for 200 seconds.
  ['/v1/traces', '{"a":1234567890123456789,"x":[', '1,', '1]}'],
  ['/v1/traces', SPANS, '{},', '{}]}]}]}'],
  ['/v1/traces', SPANS, '1,', '1]}]}]}'],
  ['/api/v2/spans', '[', '{},', '{}]'],
] as const

test('compressed requests of 63 MiB of JSON, two at a time, leave other exporters served', async () => {
  const report = await runAttack({
    attack: async (server) => {
      for (const [path, head, unit, tail] of bodies) {
        const body = Uint8Array.from(zstdCompressSync(bodyOf(head, unit, tail)))
        const statuses = await Promise.all([send(server, path, body), send(server, path, body)])
        for (const status of statuses) expect([200, 202, 400, 413, 503]).toContain(status)
      }
    },
  })
  expectUnharmed(report)
}, 240_000)

async function send(server: SpanlinkServer, path: string, body: Uint8Array<ArrayBuffer>): Promise<number> {
  const headers = { 'content-type': 'application/json', 'content-encoding': 'zstd' }
  const response = await fetch(`${server.otlpHttp}${path}`, { method: 'POST', headers, body })
  await response.arrayBuffer()
  return response.status
}

function bodyOf(head: string, unit: string, tail: string): Buffer {
  const units = Math.floor((BODY_BYTES - head.length - tail.length) / unit.length)
  return Buffer.concat([Buffer.from(head), Buffer.alloc(units * unit.length, unit), Buffer.from(tail)])
}
