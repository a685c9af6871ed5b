import { createServer } from 'node:net'

/**
 * Listens once and closes, so that a port in use ends the start before a file is written.
 *
 * @throws Node's error with `code` and `port`
 */
export async function probePort(host: string, port: number): Promise<void> {
  if (port === 0) return
  const probe = createServer()
  await new Promise<void>((resolve, reject) => {
    probe.once('error', reject)
    probe.listen(port, host, () => probe.close(() => resolve()))
  })
}
