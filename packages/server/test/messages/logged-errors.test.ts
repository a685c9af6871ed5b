import { kv, tracesOf } from '@spanlink/testkit/otlp'
import { expect, test } from 'vitest'
import { transcodeLogs } from '../signals/transcode.ts'
import { findMessages } from '../../src/query/messages/find-messages.ts'
import { MS, processing, send, span, T0 } from '../flow/kafka-spans.ts'
import { openStoredTraces } from '../query/stored-traces.ts'
import { encodeLogs } from '../signals/otlp-messages.ts'

test.each(['exception', 'messaging.process.exception'])(
  'an attempt has the error of an exception logged as a %s record',
  async (eventName) => {
    await using traces = await openStoredTraces()
    const order = send('orders', { at: 0 })
    const attempt = processing('orders', order, 'g', 'link', { at: 50, for: 100, status: { code: 2 } })
    const dead = send('orders-dlt', { at: 100, in: attempt })
    await traces.put(tracesOf('consumer', [order, attempt, dead]))
    const { traceId, spanId } = attempt
    const attributes = [kv('exception.type', 'TimeoutError'), kv('exception.message', 'the model timed out')]
    const record = { traceId, spanId, eventName, timeUnixNano: String(T0 + 60n * MS), attributes }
    const other = { ...record, eventName: 'retry', attributes: [kv('exception.message', 'not one')] }
    const logs = transcodeLogs(
      encodeLogs({ resourceLogs: [{ scopeLogs: [{ logRecords: [record, other] }] }] }),
      Math.floor(Date.now() / 1000),
    )
    await traces.store.insert('logs', [logs.logs], 'logs')
    const window = { start: String(T0), end: String(T0 + 3_600_000n * MS) }
    const { messages } = await findMessages(traces.store, 'dead-lettered', window, {})
    expect(messages[0]?.attempts).toMatchObject([{ errorType: 'TimeoutError', errorMessage: 'the model timed out' }])
  },
)

test('an exception logged for a span id shared by two spans belongs to the service that logged it', async () => {
  await using traces = await openStoredTraces()
  const order = send('orders', { at: 0 })
  const attempt = processing('orders', order, 'g', 'link', { at: 50, for: 100, status: { code: 2 } })
  const call = span({ kind: 3, at: 60, in: attempt, status: { code: 2 } })
  const served = { ...call, kind: 2, status: {} }
  const dead = send('orders-dlt', { at: 100, in: attempt })
  await traces.put(tracesOf('consumer', [order, attempt, call, dead]))
  await traces.put(tracesOf('stock', [served]))
  const { traceId, spanId } = call
  const logged = (service: string, at: number, message: string) => ({
    resource: { attributes: [kv('service.name', service)] },
    scopeLogs: [
      {
        logRecords: [
          {
            traceId,
            spanId,
            eventName: 'exception',
            timeUnixNano: String(T0 + BigInt(at) * MS),
            attributes: [kv('exception.message', message)],
          },
        ],
      },
    ],
  })
  const resourceLogs = [logged('consumer', 61, 'connection reset'), logged('stock', 62, 'handled in stock')]
  const { logs } = transcodeLogs(encodeLogs({ resourceLogs }), Math.floor(Date.now() / 1000))
  await traces.store.insert('logs', [logs], 'logs')
  const window = { start: String(T0), end: String(T0 + 3_600_000n * MS) }
  const { messages } = await findMessages(traces.store, 'dead-lettered', window, {})
  expect(messages[0]?.attempts).toMatchObject([{ errorMessage: 'connection reset' }])
})
