import Fastify from 'fastify'
import { expect, onTestFinished, test } from 'vitest'
import { abortOnDisconnect } from './abort-signal.ts'
import { type RequestLimit, createRequestLimit } from './request-limit.ts'
import { toProblem } from './problems.ts'

test('a reader that hangs up while its request waits for others is no failure of the server', async () => {
  const limit: RequestLimit = createRequestLimit({
    running: 1,
    runningPerClient: 1,
    waiting: 1,
    waitingPerClient: 1,
    maxWaitMs: 60_000,
  })
  await limit.enter('first', new AbortController().signal)
  const reader = new AbortController()
  const app = Fastify()
  onTestFinished(() => app.close())
  const failure = new Promise<unknown>((resolve) => {
    app.get('/', async (_, reply) => {
      const waiting = limit.enter('second', abortOnDisconnect(reply))
      reader.abort()
      await waiting.catch(resolve)
      return reply.hijack()
    })
  })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  await expect(fetch(url, { signal: reader.signal })).rejects.toThrow('aborted')
  expect(toProblem(await failure)).toMatchObject({ status: 499, title: 'Cancelled' })
})
