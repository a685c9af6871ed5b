import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Closes a client of @platformatic/kafka 2.12 and waits 10 s at most. Its `close(true)` waits
 * for the response to LeaveGroup, under load up to its `requestTimeout` of 30 s.
 */
export async function closeClient(client: { close(force: true): Promise<unknown> }): Promise<void> {
  await Promise.race([client.close(true), sleep(10_000, undefined, { ref: false })])
}

/**
 * A forced close may fail a stream's running fetch ("Connection closed"), which is an uncaught
 * exception if the stream has no listener.
 */
export function withoutUncaughtErrors<Stream extends Readable>(stream: Stream): Stream {
  return stream.on('error', () => {})
}
