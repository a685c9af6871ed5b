import type { StatusResponse } from '@spanlink/api-schema'
import { expect, test } from 'vitest'
import { DamagedRows } from '../../clickhouse/damage/damaged-rows.ts'
import type { Store } from '../../clickhouse/store.ts'
import { startApi } from '../server.ts'
import { statusSource } from './status.ts'

function readyAfter(stalledMs: number): unknown {
  const store = { state: () => 'ready' } as Partial<Store> as Store
  const ingest = { stalledMs: () => stalledMs } as Parameters<typeof statusSource>[0]['ingest']
  return statusSource({ store, ingest, version: '', draining: () => false, uiUrl: () => '' }).ready()
}

test('the server is not ready when nothing was stored for 30 s while segments wait', () => {
  expect(readyAfter(29_000)).toEqual({ ready: true })
  expect(readyAfter(31_000)).toEqual({
    ready: false,
    reason: 'Nothing was stored for 31 s while data waits; see the log.',
  })
})

test.each([
  ['http://0.0.0.0:4318', 'traces.example', 'http://traces.example:4318'],
  ['https://[::]:4318', '10.0.0.5', 'https://10.0.0.5:4318'],
  ['http://[::]:4318', '[fd00::1]', 'http://[fd00::1]:4318'],
  ['http://10.0.0.5:4318', 'traces.example', 'http://10.0.0.5:4318'],
  ['http://0.0.0.0:4318', '', 'http://0.0.0.0:4318'],
])('the server at %s, requested from host "%s", is reported as %s', async (otlpHttpUrl, host, reported) => {
  const options = { ...createParts(otlpHttpUrl), version: '', draining: () => false, uiUrl: () => otlpHttpUrl }
  const { endpoints } = await statusSource(options).status(host)
  expect(endpoints.otlpHttp).toBe(reported)
  expect(endpoints.ui).toBe(reported)
})

test('a server that listens on all addresses reports its UI at the host of the request', async () => {
  const options = { ...createParts('http://0.0.0.0:4318'), version: '', draining: () => false, log: () => {} }
  const api = await startApi({ ...options, host: '0.0.0.0', port: 0 })
  expect(api.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
  const url = api.url.replace('127.0.0.1', 'localhost')
  const response = await fetch(`${url}/api/status`)
  expect(((await response.json()) as StatusResponse).endpoints.ui).toBe(url)
  await api.close()
})

function createParts(otlpHttpUrl: string): Pick<Parameters<typeof statusSource>[0], 'store' | 'ingest'> {
  const info = async (): Promise<never> => await Promise.reject(new Error())
  const store = {
    mode: 'embedded',
    state: () => 'ready',
    info,
    missingParts: () => [],
    damagedRows: new DamagedRows(() => {}),
  }
  const ingest = { otlpHttpUrl, journalDepth: () => ({}), quarantineDepth: () => ({}), stats: () => ({}) }
  return { store, ingest } as unknown as ReturnType<typeof createParts>
}
