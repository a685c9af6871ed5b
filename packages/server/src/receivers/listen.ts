import type { AddressInfo, Server } from 'node:net'
import type { ReceiverOptions } from './receiver-options.ts'

/**
 * Listens and returns the URL.
 *
 * @throws Node's error with `code` and `port` if the port can't be listened on
 */
export async function listen(server: Server, { access, port, host }: ReceiverOptions): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  const address = server.address() as AddressInfo
  const scheme = access.tls === undefined ? 'http' : 'https'
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${address.port}`
}
