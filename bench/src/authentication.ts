// What authentication costs: the same requests to a server with and without it, by turns.
//   npm run bench:authentication
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execFileSync } from 'node:child_process'
import { encodeTraces, generateRequests } from '@spanlink/testkit/otlp'
import { type SpanlinkServer, startSpanlink } from '@spanlink/testkit/spanlink'
import { describeMachine } from './machine.ts'
import { cpuSeconds } from './process-stats.ts'

const ROUNDS = 20
const main = fileURLToPath(new URL('../../packages/server/dist/cli/main.js', import.meta.url))
const results = fileURLToPath(new URL('../results/authentication.txt', import.meta.url))

type Side = { readonly server: SpanlinkServer; readonly headers: Readonly<Record<string, string>> }
type Work = { readonly name: string; readonly requests: number; readonly send: (side: Side) => Promise<Response> }

const dir = mkdtempSync(join(tmpdir(), 'spanlink-bench-access-'))
const tokens = join(dir, 'tokens.json')
const token = execFileSync(process.execPath, [main, 'token', 'create', '--role', 'admin', '--tokens', tokens], {
  encoding: 'utf8',
  stdio: ['ignore', 'pipe', 'ignore'],
}).trim()
const [small] = generateRequests({ spans: 10, attributes: 10, linkRatio: 0.25, seed: 1 }, 10)
const body = Buffer.from(encodeTraces(small ?? {}))

const works: readonly Work[] = [
  {
    name: 'OTLP/HTTP, 10 spans',
    requests: 500,
    send: ({ server, headers }) =>
      fetch(`${server.otlpHttp}/v1/traces`, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/x-protobuf' },
        body,
      }),
  },
  {
    name: 'GET /api/services',
    requests: 100,
    send: ({ server, headers }) => fetch(`${server.url}/api/services`, { headers }),
  },
  {
    name: 'GET /api/openapi.json, no query',
    requests: 500,
    send: ({ server, headers }) => fetch(`${server.url}/api/openapi.json`, { headers }),
  },
]

try {
  await using open = await startSpanlink({ main })
  await using guarded = await startSpanlink({ main, args: ['--tokens', tokens], token })
  const sides = [
    { server: open, headers: {} },
    { server: guarded, headers: { authorization: `Bearer ${token}` } },
  ] as const
  const lines = [new Date().toISOString().slice(0, 10), ...describeMachine(), '']
  for (const work of works) {
    const ratios: number[] = []
    const costs: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const order = round % 2 === 0 ? sides : sides.toReversed()
      const used = new Map<Side, number>()
      for (const side of order) used.set(side, await measure(work, side))
      const [without, withTokens] = sides.map((side) => used.get(side) ?? 0)
      if (round === 0 || without === undefined || withTokens === undefined) continue
      ratios.push(withTokens / without)
      costs.push(withTokens)
    }
    const perRequest = (median(costs) / work.requests) * 1e6
    lines.push(
      `${work.name.padEnd(34)} ${perRequest.toFixed(0).padStart(6)} us of CPU with tokens, ` +
        `${median(ratios).toFixed(3)} of that without (${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)})`,
    )
  }
  process.stdout.write(`${lines.join('\n')}\n`)
  appendFileSync(results, `${lines.join('\n')}\n\n`)
} finally {
  rmSync(dir, { recursive: true, force: true })
}

/** CPU seconds of the server, without ClickHouse. */
async function measure({ requests, send }: Work, side: Side): Promise<number> {
  const before = cpuSeconds(side.server.pid)
  for (let sent = 0; sent < requests; sent++) {
    const response = await send(side)
    if (!response.ok) throw new Error(`${response.url}: ${response.status}`)
    await response.arrayBuffer()
  }
  return cpuSeconds(side.server.pid) - before
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}
