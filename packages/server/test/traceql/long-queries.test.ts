import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { searchTraceQL } from '../../src/traceql/execute/search-traceql.ts'
import type { Store } from '../../src/clickhouse/store.ts'
import { openTestStore } from '../query/stored-traces.ts'

const window = { start: 1_790_000_000_000_000_000n, end: 1_790_003_600_000_000_000n }

let store: Store
let dir: string

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spanlink-traceql-'))
  store = await openTestStore(dir)
})

afterAll(async () => {
  await store.close()
  await rm(dir, { recursive: true, force: true })
})

test.each(['.a = 1', 'span.a =~ "b.*"', 'resource.b != "c"', 'event.d > 5'])(
  'a TraceQL query of 60 conditions %s succeeds, and of 450 is rejected',
  async (condition) => {
    const times = (count: number): string =>
      `{ ${Array.from({ length: count }, () => condition)
        .map((each, at) => each.replace(/[abcd](?= )/, `$&${at}`))
        .join(' || ')} }`
    expect((await searchTraceQL(store, times(60), window)).traces).toEqual([])
    await expect(searchTraceQL(store, times(450), window)).rejects.toMatchObject({
      name: 'TraceQLError',
      code: 'limit',
    })
  },
)
