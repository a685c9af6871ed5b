import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { SharedPort } from './share-port.ts'

/**
 * Listens on the other addresses of `localhost` too, usually ::1, on the same port. Addresses that
 * are not available are skipped. Fastify does so only for servers that it creates itself.
 */
export async function listenOnLocalhost(main: SharedPort, create: () => SharedPort): Promise<readonly SharedPort[]> {
  const { address: mainAddress, port } = main.server.address() as AddressInfo
  const addresses = await lookup('localhost', { all: true }).catch(() => [])
  const ports: SharedPort[] = []
  for (const { address } of addresses) {
    if (address === mainAddress) continue
    const shared = create()
    shared.server.listen({ host: address, port })
    const isListening = await once(shared.server, 'listening').then(
      () => true,
      () => false,
    )
    if (!isListening) continue
    ports.push(shared)
    main.server.once('close', () => {
      shared.server.close()
      shared.server.closeAllConnections()
    })
  }
  return ports
}
