import { isIP } from 'node:net'

/**
 * Decides which `Host` headers to accept. A server on loopback accepts loopback names only:
 * otherwise any web page could point its name at 127.0.0.1 and read the traces as its own origin
 * (DNS rebinding).
 */
export function createHostGuard(listenHost: string): (header: string | undefined) => boolean {
  if (!isLoopback(listenHost)) return () => true
  return (header) => header !== undefined && isLoopback(parseHostname(header))
}

function isLoopback(host: string): boolean {
  const name = host.toLowerCase()
  return name === 'localhost' || name === '::1' || name === '[::1]' || (isIP(name) === 4 && name.startsWith('127.'))
}

function parseHostname(header: string): string {
  return header.replace(/:[0-9]+$/, '')
}
