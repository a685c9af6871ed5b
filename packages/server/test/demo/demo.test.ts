import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FlowResponse, MessagesResponse, TopologyResponse } from '@spanlink/api-schema'
import { type Demo, MAIN, startDemo } from '@spanlink/testkit/demo'
import { connectHttp } from '../mcp/connect.ts'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'

describe('spanlink demo', () => {
  let demo: Demo
  beforeAll(async () => {
    demo = await startDemo(['--rate', '4'])
  })
  afterAll(() => demo?.[Symbol.asyncDispose]())

  test.for([['dead-lettered'], ['unconsumed'], ['late'], ['retried'], ['redelivered']])(
    'has %s messages',
    async ([list]) => {
      const { messages } = await demo.getJson<MessagesResponse>(`/api/messages/${list}`)
      expect(messages.length).toBeGreaterThan(5)
    },
  )

  test('prints flows that are complete, the first with three failed attempts and a review', async () => {
    const flows = [...demo.process.output().matchAll(/\/flow\/([0-9a-f]{32})/g)].map(([, id]) => id)
    expect(flows).toHaveLength(3)
    const { lanes, edges } = await demo.getJson<FlowResponse>(`/api/flows/${flows[0]}`)
    const names = lanes.map(({ rootService, rootName }) => `${rootService} ${rootName}`)
    expect(names).toContain('review process payments.dlq')
    expect(names.filter((name) => name === 'fraud process payments.retry')).toHaveLength(2)
    expect(edges.length).toBeGreaterThanOrEqual(lanes.length - 1)
  })

  test('has a topology with the lag of the stuck group, metrics with exemplars and logs of traces', async () => {
    const { nodes } = await demo.getJson<TopologyResponse>('/api/topology')
    const loyalty = nodes.find(({ type, name }) => type === 'group' && name === 'loyalty')
    expect(Number(loyalty?.lag?.messages)).toBeGreaterThan(100)
    const metrics = await demo.getJson<{ metrics: readonly { name: string }[] }>('/api/metrics')
    expect(metrics.metrics.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['http.server.request.duration', 'kafka.consumer.lag', 'messaging.process.duration']),
    )
    const { logs } = await demo.getJson<{ logs: readonly { traceId: string }[] }>('/api/logs')
    expect(logs.filter(({ traceId }) => traceId !== '').length).toBeGreaterThan(10)
  })

  test('answers "what is stuck?" to an agent, with a count that claims no more than was searched', async () => {
    await using connection = await connectHttp(demo.url)
    const stuck = await connection.call('find_messages', { kind: 'unconsumed' })
    expect(stuck.text).toMatch(
      /^20 newest of at least \d+ unconsumed, of topic "orders" not consumed by group "loyalty"/,
    )
    expect((await connection.call('get_topology')).text).toMatch(/group "loyalty" lags by [\d,]{4,} messages/)
  })

  test('adds orders while it runs, none of them in the future', async () => {
    type Traces = { readonly traces: readonly { readonly traceId: string; readonly startTimeUnixNano: string }[] }
    const read = (): Promise<Traces> => demo.getJson<Traces>('/api/traces?limit=1')
    const [first] = (await read()).traces
    const latest = await vi.waitUntil(async () => {
      const [trace] = (await read()).traces
      return trace?.traceId !== first?.traceId && trace
    }, WAIT)
    expect(Number(latest.startTimeUnixNano) / 1e6).toBeLessThanOrEqual(Date.now())
  })

  test('removes its data when it is stopped', async () => {
    expect(existsSync(demo.dataDir)).toBe(true)
    expect(await demo.stop()).toBe(0)
    expect(existsSync(demo.dataDir)).toBe(false)
  })
})

test('a demo that was killed leaves no data behind once another one starts', async () => {
  const killed = await startDemo(['--rate', '1'])
  process.kill(killed.process.pid, 'SIGKILL')
  await killed.process.ended()
  expect(existsSync(killed.dataDir)).toBe(true)
  await using next = await startDemo(['--rate', '1'])
  expect([existsSync(killed.dataDir), existsSync(next.dataDir)]).toEqual([false, true])
})

describe('spanlink demo --data', () => {
  const parent = mkdtempSync(join(tmpdir(), 'spanlink-demo-test-'))
  afterAll(() => rmSync(parent, { recursive: true, force: true }))

  test('keeps its data, and runs again on it', async () => {
    const data = join(parent, 'kept')
    for (const run of [1, 2]) {
      const demo = await startDemo(['--data', data, '--rate', '1'])
      expect([run, await demo.stop(), existsSync(data)]).toEqual([run, 0, true])
    }
  })

  test('refuses a directory with other data, and changes nothing', async () => {
    const data = join(parent, 'real')
    mkdirSync(data)
    writeFileSync(join(data, 'lock'), '')
    const { code, stderr } = await runDemo(['--data', data])
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/^spanlink: --data \S+ has data that no demo made\..*\n$/),
    ])
    expect(readdirSync(data)).toEqual(['lock'])
  })
})

describe('spanlink demo refuses', () => {
  test.for([
    [['--rate', '0'], /invalid --rate "0": expected a number above 0/],
    [['--rate', 'fast'], /invalid --rate "fast"/],
    [['--kafka', 'kafka'], /invalid --kafka "kafka": expected host:port/],
    [['--kafka', '127.0.0.1:1'], /no Kafka broker answers on 127\.0\.0\.1:1 .*ECONNREFUSED.*without --kafka/],
    [['--data', '/proc/demo'], /Cannot keep data in \/proc\/demo/],
  ] as const)('%s with one line', async ([args, line]) => {
    const { code, stdout, stderr } = await runDemo(args)
    expect(code).not.toBe(0)
    expect([stdout, stderr.trim().split('\n')]).toEqual(['', [expect.stringMatching(line)]])
  })

  test('a port in use with one line, and leaves no data directory', async () => {
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    const directory = mkdtempSync(join(tmpdir(), 'spanlink-demo-test-'))
    const { port } = taken.address() as AddressInfo
    const { code, stderr } = await runDemo(['--port', String(port)], { TMPDIR: directory })
    taken.close()
    expect([code, stderr]).toEqual([5, expect.stringMatching(/^spanlink: Port \d+ is in use\. Set --port .*\n$/)])
    expect(readdirSync(directory)).toEqual([])
    rmSync(directory, { recursive: true })
  })
})

const WAIT = { timeout: 90_000, interval: 100 }

/** Runs `spanlink demo` with arguments that it refuses. */
async function runDemo(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const child = spawn(process.execPath, ['--conditions=spanlink:source', MAIN, 'demo', ...args], {
    env: { ...process.env, ...env },
  })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (chunk) => (stdout += chunk))
  child.stderr.on('data', (chunk) => (stderr += chunk))
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  return { code, stdout, stderr }
}
