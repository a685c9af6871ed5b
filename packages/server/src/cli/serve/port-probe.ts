import { createServer } from 'node:net'

/**
 * Listens for a moment, before anything is touched that a server of its ports would use.
 *
 * @throws what the port can't do, with Node's `code` and the `port`
 */
export async function probePort(host: string, port: number): Promise<void> {
  if (port === 0) return
  const probe = createServer()
  await new Promise<void>((resolve, reject) => {
    probe.once('error', reject)
    probe.listen(port, host, () => probe.close(() => resolve()))
  })
}
