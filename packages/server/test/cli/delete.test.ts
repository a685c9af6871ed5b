import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { StatusResponse, TracesResponse } from '@spanlink/api-schema'
import { kv, tracesOf } from '@spanlink/testkit/otlp'
import { startSpanlink } from '@spanlink/testkit/spanlink'
import { expect, test, vi } from 'vitest'
import { MS, nowNano, span } from '../query/order-spans.ts'

vi.setConfig({ testTimeout: 120_000 })

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

function run(url: string, ...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const options = { env: { ...process.env, SPANLINK_URL: url } }
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['--conditions=spanlink:source', main, 'delete', ...args],
      options,
      (error, stdout, stderr) => resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    )
  })
}

test('spanlink delete counts, then deletes one trace or those that match, also after a kill', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'spanlink-delete-'))
  const server = await startSpanlink({ dataDir })
  const start = nowNano() - 1000n * MS
  const old = Array.from({ length: 12 }, () => span({ start, attributes: [kv('customer', 'erika')] }))
  const [single, kept] = [span({ start }), span({ start })]
  await server.sendSpans(tracesOf('shop', [...old, single, kept]))
  const query = ['--query', '{ span.customer = "erika" }']
  await vi.waitUntil(async () => ((await server.getJson('/api/status')) as StatusResponse).store.spans === 14)

  expect(await run(server.url, ...query, '--dry-run')).toMatchObject({
    code: 0,
    stdout: '12 traces with 12 spans match.\n',
  })
  expect(await run(server.url, ...query)).toMatchObject({ code: 2, stderr: expect.stringContaining('missing --yes') })
  expect(await run(server.url, ...query, '--yes', '--end', '1h')).toMatchObject({ code: 3 })
  expect(await run(server.url, ...query, '--yes')).toMatchObject({
    code: 0,
    stdout: 'Deleted 12 traces with 12 spans.\n',
  })
  expect(await run(server.url, ...query, '--yes', '--json')).toMatchObject({
    code: 3,
    stdout: '{"deleted":{"traces":0,"spans":0}}\n',
  })
  expect(await run(server.url, '--trace', single.traceId, '--yes')).toMatchObject({
    code: 0,
    stdout: 'Deleted 1 trace with 1 span.\n',
  })
  expect(await run(server.url, '--trace', single.traceId, '--yes')).toMatchObject({ code: 3 })
  expect(await run(server.url, '--yes')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--trace or --query'),
  })
  expect(await run(server.url, '--query', '{ status = ', '--yes')).toMatchObject({ code: 2 })
  await server.kill('SIGKILL')

  const restarted = await startSpanlink({ dataDir })
  expect(await restarted.getJson(`/api/traces/${kept.traceId}`)).toMatchObject({ traceId: kept.traceId })
  expect(((await restarted.getJson('/api/traces')) as TracesResponse).traces).toHaveLength(1)
  expect(await run(restarted.url, '--trace', single.traceId, '--dry-run')).toMatchObject({ code: 3 })
  await restarted.stop()
  await rm(dataDir, { recursive: true })
})
