// Cancellation, deadlines, limits and the end of the server, with queries that a test holds up.
import { status as grpcStatus, type ServiceError } from '@grpc/grpc-js'
import { connect as connectHttp2 } from 'node:http2'
import { expect, test, vi } from 'vitest'
import { StoreError } from '../../src/clickhouse/store-error.ts'
import type { Store } from '../../src/clickhouse/store.ts'
import { parseGrpcTimeout } from '../../src/http/grpc/grpc-call.ts'
import { type ApiPort, type ApiPortOptions, openApiPort } from './open-api-port.ts'
import { connectStreaming } from './streaming-client.ts'

type HeldPort = ApiPort & { readonly running: () => number; readonly cancelled: () => number; release(): void }

/** A server whose queries wait until they are released or cancelled. */
async function openHeldPort(options: ApiPortOptions = {}): Promise<HeldPort> {
  const held = new Set<() => void>()
  let [isHeld, cancelled] = [false, 0]
  const changeStore = (store: Store): Store => ({
    ...store,
    query: async (sql, params, queryOptions) => {
      if (isHeld) {
        await new Promise<void>((resolve, reject) => {
          held.add(resolve)
          queryOptions?.signal?.addEventListener('abort', () => {
            held.delete(resolve)
            cancelled += 1
            reject(new StoreError('cancelled', 'cancelled'))
          })
        })
      }
      return await store.query(sql, params, queryOptions)
    },
  })
  const port = await openApiPort({ ...options, changeStore })
  isHeld = true
  return {
    ...port,
    running: () => held.size,
    cancelled: () => cancelled,
    release: () => {
      isHeld = false
      for (const resolve of held) resolve()
      held.clear()
    },
  }
}

function failureOf(call: Promise<unknown>): Promise<ServiceError> {
  return call.then(
    () => {
      throw new Error('expected the call to fail')
    },
    (error: unknown) => error as ServiceError,
  )
}

test('a call that the client cancels or whose connection ends cancels its query', async () => {
  await using port = await openHeldPort()
  using client = connectStreaming(port.api.url)
  const call = client.start('Search', { Query: '{ }' }).on('error', () => {})
  await vi.waitUntil(() => port.running() > 0)
  call.cancel()
  await vi.waitUntil(() => port.running() === 0)
  expect(port.cancelled()).toBe(1)
  const session = connectHttp2(port.api.url)
  session
    .request({ ':method': 'POST', ':path': '/tempopb.StreamingQuerier/Search', 'content-type': 'application/grpc' })
    .on('error', () => {})
    .end(Buffer.alloc(5))
  await vi.waitUntil(() => port.running() > 0)
  session.destroy()
  await vi.waitUntil(() => port.running() === 0)
  port.release()
  expect(await client.call('Search', { Query: '{ }' })).not.toEqual([])
  expect(port.log).toEqual([])
})

test('a call ends with DEADLINE_EXCEEDED at its deadline, and its query with it', async () => {
  await using port = await openHeldPort()
  using client = connectStreaming(port.api.url)
  const error = await failureOf(client.call('Search', { Query: '{ }' }, { deadline: Date.now() + 500 }))
  expect(error.code).toBe(grpcStatus.DEADLINE_EXCEEDED)
  await vi.waitUntil(() => port.running() === 0)
  expect(port.cancelled()).toBe(1)
  port.release()
})

test('grpc-timeout is read in each unit and ignored if malformed', () => {
  expect(['1H', '2M', '3S', '4m', '5u', '600n'].map(parseGrpcTimeout)).toEqual([
    3_600_000, 120_000, 3000, 4, 0.005, 6e-4,
  ])
  expect(['', '1', 'S', '-1S', '123456789S', '1s'].map(parseGrpcTimeout)).toEqual(Array.from({ length: 6 }))
  expect(parseGrpcTimeout('99999999H')).toBe(2 ** 31 - 1)
})

test('calls count in --max-queries of their token, and queue like requests over HTTP', async () => {
  await using port = await openHeldPort({ hasTokens: true })
  using client = connectStreaming(port.api.url, undefined, port.tokens.limited)
  const first = client.call('Search', { Query: '{ }' })
  await vi.waitUntil(() => port.running() === 1)
  // Two connections, each with less than its maximum of calls, fill the queue of a client.
  using second = connectStreaming(port.api.url, undefined, port.tokens.limited)
  const queued = [client, second].flatMap((one) =>
    Array.from({ length: 40 }, () => one.call('Search', { Query: '{ }' })),
  )
  const settled = Promise.allSettled(queued)
  expect(await Promise.any(queued.map(failureOf))).toMatchObject({
    code: grpcStatus.RESOURCE_EXHAUSTED,
    details: expect.stringContaining('Retry later'),
  })
  expect(port.running()).toBe(1)
  // A query of another client starts, although it came later.
  using other = connectStreaming(port.api.url, undefined, port.tokens.read)
  const others = other.call('Search', { Query: '{ }' })
  await vi.waitUntil(() => port.running() === 2)
  port.release()
  await Promise.all([first, others])
  const outcomes = (await settled).map(({ status }) => status)
  expect(outcomes.filter((status) => status === 'fulfilled')).toHaveLength(64)
})

test('a closing server ends running calls with UNAVAILABLE, and closes idle connections', async () => {
  const port = await openHeldPort()
  using client = connectStreaming(port.api.url)
  using idle = connectStreaming(port.api.url)
  const failed = failureOf(client.call('Search', { Query: '{ }' }))
  await vi.waitUntil(() => port.running() > 0)
  await idle.call('Unknown', {}).catch(() => {})
  await port[Symbol.asyncDispose]()
  expect(await failed).toMatchObject({ code: grpcStatus.UNAVAILABLE, details: 'The server is stopping.' })
})

test('a failed call is logged with its cause, and the client gets no details', async () => {
  const changeStore = (store: Store): Store => ({ ...store, query: () => Promise.reject(new Error('secret cause')) })
  const port = await openApiPort({ changeStore })
  using client = connectStreaming(port.api.url)
  const error = await failureOf(client.call('SearchTagValuesV2', { tagName: 'span.x' }))
  expect(error).toMatchObject({ code: grpcStatus.INTERNAL, details: expect.not.stringContaining('secret') })
  expect(port.log.join()).toContain('secret cause')
  await port[Symbol.asyncDispose]()
})
