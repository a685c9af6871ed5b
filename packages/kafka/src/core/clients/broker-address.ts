import type { ServerAddress } from '../source.ts'

/** Parses `host:port`; the host may be an IPv6 address. */
export function parseBroker(name: string): ServerAddress {
  const colon = name.lastIndexOf(':')
  const port = Number(name.slice(colon + 1))
  return { address: name.slice(0, colon), port: Number.isInteger(port) ? port : undefined }
}
