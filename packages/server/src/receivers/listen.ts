import type { AddressInfo, Server } from 'node:net'
import type { TlsOptions } from 'node:tls'
import type { Certificate } from '../access/tls.ts'
import type { ReceiverOptions } from './receiver-options.ts'

/** A receiver that listens. */
export type Listener = {
  /** `http://host:port`, the endpoint for exporters. */
  readonly url: string
  /** Accepts no more connections and lets requests in flight finish until the deadline. */
  close(deadlineMs: number): Promise<void>
}

/** Accepts no more connections; `closeAll` closes those that are open at the deadline. */
export async function closeServer(server: Server, deadlineMs: number, closeAll: () => void): Promise<void> {
  const timer = setTimeout(closeAll, deadlineMs)
  await new Promise((resolve) => server.close(resolve))
  clearTimeout(timer)
}

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

/** Asks clients for a certificate if authorities are given; a token does too. */
export function toTlsOptions({ cert, key, ca }: Certificate): TlsOptions {
  return ca === undefined ? { cert, key } : { cert, key, ca, requestCert: true, rejectUnauthorized: false }
}
