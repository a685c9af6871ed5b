import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { createRequestLimit, TooManyRequestsError } from './request-limit.ts'

const never = new AbortController().signal

const small = { running: 3, runningPerClient: 2, waiting: 4, waitingPerClient: 3, maxWaitMs: 60_000 }

test('a client with many requests waits, and a request of another client starts at once', async () => {
  const limit = createRequestLimit(small)
  const started: string[] = []
  const ends: (() => void)[] = []
  const enter = async (client: string, name: string): Promise<void> => {
    ends.push(await limit.enter(client, never))
    started.push(name)
  }
  const greedy = ['a1', 'a2', 'a3', 'a4', 'a5'].map((name) => enter('a', name))
  const modest = enter('b', 'b1')
  await vi.waitUntil(() => started.length === 3, { timeout: 20_000 })
  expect(started).toEqual(['a1', 'a2', 'b1'])
  await expect(limit.enter('a', never)).rejects.toThrow(TooManyRequestsError)

  const second = enter('b', 'b2')
  ends[2]?.()
  ends[0]?.()
  // The client with fewer running requests gets the first free slot.
  await vi.waitUntil(() => started.length === 5, { timeout: 20_000 })
  expect(started.slice(3)).toEqual(['b2', 'a3'])
  for (let at = 0; at < 7; at++) {
    await vi.waitUntil(() => ends.length > at, { timeout: 20_000 })
    ends[at]?.()
  }
  await Promise.all([...greedy, modest, second])
})

test('a waiting request leaves the queue when its client disconnects or its time limit passes', async () => {
  const limit = createRequestLimit({ ...small, running: 1, waiting: 1, maxWaitMs: 1 })
  const end = await limit.enter('a', never)
  await expect(limit.enter('a', never)).rejects.toThrow(TooManyRequestsError)
  const connection = new AbortController()
  const waits = createRequestLimit({ ...small, running: 1, waiting: 1 })
  await waits.enter('a', never)
  const cancelled = waits.enter('b', connection.signal)
  connection.abort(new Error('disconnected'))
  await expect(cancelled).rejects.toThrow('disconnected')
  end()
  end()
  await expect(limit.enter('b', never)).resolves.toBeTypeOf('function')
})

test('requests never exceed the limits, and each one runs, is rejected or is cancelled, in any order', async () => {
  const request = fc.record({
    client: fc.constantFrom('a', 'b', 'c', 'd'),
    disconnects: fc.boolean(),
    turns: fc.nat(3),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(request, { maxLength: 40 }), async (requests) => {
      const limit = createRequestLimit({ ...small, waiting: 20, waitingPerClient: 10 })
      const running: string[] = []
      const outcomes = requests.map(async ({ client, disconnects, turns }) => {
        const connection = new AbortController()
        const entered = limit.enter(client, connection.signal)
        if (disconnects) queueMicrotask(() => connection.abort(new Error('disconnected')))
        const end = await entered
        running.push(client)
        expect(running.length).toBeLessThanOrEqual(3)
        expect(running.filter((one) => one === client).length).toBeLessThanOrEqual(2)
        for (let turn = 0; turn < turns; turn++) await Promise.resolve()
        running.splice(running.indexOf(client), 1)
        end()
      })
      const settled = await Promise.allSettled(outcomes)
      expect(running).toEqual([])
      for (const outcome of settled.filter(({ status }) => status === 'rejected')) {
        expect((outcome as PromiseRejectedResult).reason).toSatisfy(
          (error) => error instanceof TooManyRequestsError || (error as Error).message === 'disconnected',
        )
      }
    }),
  )
})
