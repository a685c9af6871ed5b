// The suites of the embedded engine, each in a database sharded over two nodes.
import { afterAll, beforeAll, describe, vi } from 'vitest'
import { startTwoNodes, type TwoNodes } from './two-nodes.ts'

// The suites run one after the other on two engines.
vi.setConfig({ testTimeout: 120_000 })

const STORE = 'SPANLINK_TEST_STORE'

const suites = {
  search: () => import('../query/search.test.ts'),
  links: () => import('../query/links.test.ts'),
  flow: () => import('../flow/flow.test.ts'),
  random_flows: () => import('../flow/random-flows.test.ts'),
  topology: () => import('../topology/topology.test.ts'),
  topology_spans: () => import('../topology/message-spans.test.ts'),
  messages: () => import('../messages/messages.test.ts'),
  traceql_search: () => import('../traceql/search-traceql.test.ts'),
  traceql_series: () => import('../traceql/series-and-completion.test.ts'),
  logs: () => import('../logs/logs.test.ts'),
  metrics: () => import('../metrics/metrics.test.ts'),
  deletes: () => import('../deletes/deletes.test.ts'),
}

let cluster: TwoNodes
beforeAll(async () => {
  cluster = await startTwoNodes()
})
afterAll(async () => {
  delete process.env[STORE]
  await cluster[Symbol.asyncDispose]()
})

describe.each(Object.entries(suites))('%s on two shards', async (name, suite) => {
  beforeAll(() => {
    process.env[STORE] = cluster.storeUrl(name)
  })
  await suite()
})
