import { setTimeout as sleep } from 'node:timers/promises'
import { type OtlpSpan, seededRandom, tracesOf } from '@spanlink/testkit/otlp'
import { expect, test } from 'vitest'
import { deleteTraces } from '../../src/query/deletes/delete-traces.ts'
import { linkTo, nowNano, span } from '../query/order-spans.ts'
import { openStoredTraces } from '../query/stored-traces.ts'

const BATCHES = 60
const TRACES_PER_BATCH = 200

test('deletes during inserts and merges remove the deleted traces, and no other rows', async () => {
  await using traces = await openStoredTraces()
  const { store } = traces
  const random = seededRandom(4)
  const stored: OtlpSpan[] = []
  const deleted = new Set<string>()
  const inserted = new AbortController()
  const insert = async (): Promise<void> => {
    for (let batch = 0; batch < BATCHES; batch++) {
      const spans = Array.from({ length: TRACES_PER_BATCH }, () => {
        const target = stored[Math.floor(random() * stored.length)]
        const links = target === undefined ? [] : [linkTo(target as { traceId: string; spanId: string })]
        return span({ start: nowNano(), links })
      })
      await traces.put(tracesOf('shop', spans))
      stored.push(...spans)
    }
    inserted.abort()
  }
  const repeat = async (act: () => Promise<unknown>): Promise<void> => {
    do {
      await act()
      await sleep(1)
    } while (!inserted.signal.aborted)
  }
  const remove = async (): Promise<void> => {
    const ids = Array.from({ length: 5 }, () => stored[Math.floor(random() * stored.length)]?.traceId as string)
    if (ids.includes(undefined as never)) return
    await deleteTraces(store, [...new Set(ids)], {})
    for (const id of ids) deleted.add(id)
  }
  const merge = (table: string) => repeat(() => store.changeRows(`optimize table ${table} final`, {}))
  await Promise.all([insert(), repeat(remove), repeat(remove), merge('trace_rows'), merge('spans')])
  expect(deleted.size).toBeGreaterThan(50)

  const kept = stored.filter(({ traceId }) => !deleted.has(traceId as string))
  const ids = kept.map(({ traceId }) => traceId).toSorted()
  const list = async (sql: string) => (await store.query<{ id: string }>(sql)).map(({ id }) => id)
  expect(await list('select lower(hex(trace_id)) as id from spans order by id')).toEqual(ids)
  expect(await list("select lower(hex(trace_id)) as id from trace_rows where type = 'span' order by id")).toEqual(ids)
  // A link of a kept span to a deleted one may have been stored before or after its delete.
  const backlinks = await store.query<{ source: string; target: string }>(
    "select lower(hex(substring(head, 1, 16))) as source, lower(hex(trace_id)) as target from trace_rows where type = 'backlink'",
  )
  expect(backlinks.filter(({ source }) => deleted.has(source))).toEqual([])
  const toKept = kept.filter(({ links }) => links?.some(({ traceId }) => !deleted.has(traceId as string)))
  expect(backlinks.filter(({ target }) => !deleted.has(target))).toHaveLength(toKept.length)
})
