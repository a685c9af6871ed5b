import Fastify from 'fastify'
import { expect, onTestFinished, test } from 'vitest'
import { abortOnDisconnect } from './abort-signal.ts'
import { type RequestLimit, createRequestLimit } from './request-limit.ts'
import { toProblem } from './problems.ts'

test('a request whose client disconnects while it waits in the queue is reported as 499, not as a failure', async () => {
  const limit: RequestLimit = createRequestLimit({
    running: 1,
    runningPerClient: 1,
    waiting: 1,
    waitingPerClient: 1,
    maxWaitMs: 60_000,
  })
  await limit.enter('first', new AbortController().signal)
  const client = new AbortController()
  const app = Fastify()
  onTestFinished(() => app.close())
  const failure = new Promise<unknown>((resolve) => {
    app.get('/', async (_, reply) => {
      const waiting = limit.enter('second', abortOnDisconnect(reply))
      client.abort()
      await waiting.catch(resolve)
      return reply.hijack()
    })
  })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  await expect(fetch(url, { signal: client.signal })).rejects.toThrow('aborted')
  expect(toProblem(await failure)).toMatchObject({ status: 499, title: 'Cancelled' })
})
