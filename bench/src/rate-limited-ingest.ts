import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { encodeTraces, generateRequests } from '@spanlink/testkit/otlp'
import { sendAll } from './ingest-senders.ts'

const REQUEST_SPANS = 512
const REQUESTS_AT_ONCE = 20

/**
 * Sends `rate` spans per second until stopped; returns the acknowledged spans per second. Runs in a
 * separate process, so that it does not delay the measurement. Repeats the same requests, because
 * generating new ones takes more CPU than the server does.
 */
export function sendAtRate(otlpHttp: string, rate: number): () => Promise<number> {
  const sender = fork(fileURLToPath(import.meta.url), [otlpHttp, String(rate)])
  return async () => {
    sender.send('stop')
    const [sent] = (await Promise.race([once(sender, 'message'), once(sender, 'exit')])) as [number]
    return sent
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , otlpHttp = '', rate = ''] = process.argv
  const load = { spans: 204_800, attributes: 10, linkRatio: 0.25, seed: 1, start: BigInt(Date.now()) * 1_000_000n }
  const bodies = Array.from(generateRequests(load, REQUEST_SPANS), (request) => Buffer.from(encodeTraces(request)))
  const stopped = new AbortController()
  process.once('message', () => stopped.abort())
  let sent = 0
  const start = performance.now()
  for (let at = 0; !stopped.signal.aborted; at = (at + REQUESTS_AT_ONCE) % bodies.length) {
    await sendAll(otlpHttp, bodies.slice(at, at + REQUESTS_AT_ONCE), 2)
    sent += REQUESTS_AT_ONCE * REQUEST_SPANS
    const ahead = (sent / Number(rate)) * 1000 - (performance.now() - start)
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, ahead)))
  }
  process.send?.((sent / (performance.now() - start)) * 1000)
}
