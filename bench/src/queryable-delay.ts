import { randomBytes } from 'node:crypto'
import { encodeTraces, tracesOf } from '@spanlink/testkit/otlp'

const PAUSE_MS = 50

/**
 * Until stopped, sends single spans and polls for each one's trace until it is found. Returns the
 * times from acknowledgement to result in ms.
 */
export function delaysUntilQueryable(otlpHttp: string, api: string): { readonly stop: () => Promise<number[]> } {
  const delays: number[] = []
  const stopped = new AbortController()
  const probing = (async () => {
    do {
      const traceId = randomBytes(16).toString('hex')
      const span = { traceId, spanId: randomBytes(8).toString('hex'), name: 'probe' }
      await fetch(`${otlpHttp}/v1/traces`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-protobuf' },
        body: Buffer.from(encodeTraces(tracesOf('probe', [span]))),
      })
      const acked = performance.now()
      while (!(await fetch(`${api}/api/traces/${traceId}`)).ok) await pause(10)
      delays.push(performance.now() - acked)
      await pause(PAUSE_MS)
    } while (!stopped.signal.aborted)
  })()
  return {
    stop: async () => {
      stopped.abort()
      await probing
      return delays
    },
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
