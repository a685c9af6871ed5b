import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { sendAll } from './ingest-senders.ts'
import { encodeOrders, ORDERS_PER_REQUEST, SPANS_PER_ORDER, type Traffic } from './query/traffic.ts'

const REQUESTS_AT_ONCE = 20

/**
 * Sends orders from `firstOrder` on until stopped, `rate` spans per second, which start from
 * `fromNano` on. Returns the acknowledged spans per second. Runs in a separate process, so that it
 * does not delay the measurement.
 */
export function sendAtRate(
  otlpHttp: string,
  rate: number,
  traffic: Traffic,
  { firstOrder, fromNano }: { readonly firstOrder: number; readonly fromNano: bigint },
): () => Promise<number> {
  const orderIntervalNano = (SPANS_PER_ORDER * 1e9) / rate
  const startNano = String(fromNano - BigInt(Math.round(firstOrder * orderIntervalNano)))
  // Their values of `user.id` are new: searches find what they find without ingest.
  const continued = JSON.stringify({ ...traffic, orderIntervalNano, startNano, users: 2 ** 31 })
  const sender = fork(fileURLToPath(import.meta.url), [otlpHttp, String(rate), String(firstOrder), continued])
  return async () => {
    sender.send('stop')
    const [sent] = (await Promise.race([once(sender, 'message'), once(sender, 'exit')])) as [number]
    return sent
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , otlpHttp = '', rate = '', firstOrder = '', continued = ''] = process.argv
  const parsed = JSON.parse(continued) as Omit<Traffic, 'startNano'> & { readonly startNano: string }
  const traffic = { ...parsed, startNano: BigInt(parsed.startNano) }
  const stopped = new AbortController()
  process.once('message', () => stopped.abort())
  let sent = 0
  const start = performance.now()
  while (!stopped.signal.aborted) {
    const from = Number(firstOrder) + sent / SPANS_PER_ORDER
    const count = REQUESTS_AT_ONCE * ORDERS_PER_REQUEST
    await sendAll(otlpHttp, encodeOrders(traffic, from, from + count), 2)
    sent += count * SPANS_PER_ORDER
    const ahead = (sent / Number(rate)) * 1000 - (performance.now() - start)
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, ahead)))
  }
  process.send?.((sent / (performance.now() - start)) * 1000)
}
