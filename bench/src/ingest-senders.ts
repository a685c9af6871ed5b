import { Agent, request } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'

/** As exporters do when the receiver is busy. */
const RETRY_MS = 50

/**
 * Sends each body until it is acknowledged, with `senders` concurrent connections; returns the
 * times to each acknowledgement in ms.
 */
export async function sendAll(otlpHttp: string, bodies: Iterable<Buffer>, senders: number): Promise<number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: senders })
  const latencies: number[] = []
  const unsent = bodies[Symbol.iterator]()
  const sender = async (): Promise<void> => {
    for (let next = unsent.next(); next.done !== true; next = unsent.next()) {
      const body = next.value
      const start = performance.now()
      let status = await post(agent, otlpHttp, body)
      for (; status === 503; status = await post(agent, otlpHttp, body)) await pause(RETRY_MS)
      if (status !== 200) throw new Error(`the receiver returned ${status}`)
      latencies.push(performance.now() - start)
    }
  }
  await Promise.all(Array.from({ length: senders }, sender))
  agent.destroy()
  return latencies
}

function post(agent: Agent, otlpHttp: string, body: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/x-protobuf', 'content-length': body.length }
    const sent = request(`${otlpHttp}/v1/traces`, { method: 'POST', agent, headers }, (response) => {
      response.resume()
      response.once('end', () => resolve(response.statusCode ?? 0))
    })
    sent.once('error', reject)
    sent.end(body)
  })
}
