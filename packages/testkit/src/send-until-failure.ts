import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { kv, tracesOf } from './otlp/otlp.ts'
import { postTraces, type SpanlinkServer } from './spanlink.ts'

const SPANS_PER_REQUEST = 5

/**
 * Sends requests of five spans, each with a link, until one gets no response, such as when the
 * server is killed. `onResult` gets the span ids of each request; without a response the status is
 * undefined.
 *
 * @param intervalMs pause after each response
 * @returns the error of the last request
 */
export async function sendUntilFailure(
  server: Pick<SpanlinkServer, 'otlpHttp'>,
  onResult: (spanIds: readonly string[], status: number | undefined) => void,
  intervalMs = 0,
): Promise<unknown> {
  for (;;) {
    const spanIds = Array.from({ length: SPANS_PER_REQUEST }, () => randomBytes(8).toString('hex'))
    const spans = spanIds.map((spanId) => ({
      traceId: randomBytes(16).toString('hex'),
      spanId,
      name: 'span',
      attributes: [kv('key', 'value')],
      links: [{ traceId: randomBytes(16).toString('hex'), spanId: randomBytes(8).toString('hex') }],
    }))
    try {
      const { status } = await postTraces(server.otlpHttp, tracesOf('kill', spans))
      onResult(spanIds, status)
    } catch (error) {
      onResult(spanIds, undefined)
      return error
    }
    if (intervalMs > 0) await sleep(intervalMs)
  }
}
