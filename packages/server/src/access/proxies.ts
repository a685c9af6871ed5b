import type { IncomingHttpHeaders } from 'node:http'
import { BlockList, isIP } from 'node:net'

/** Where a request comes from and what it was sent to, as its client sees it. */
export type Origin = {
  /** IP address of the client. */
  readonly address: string
  /** Host and port of the URL. */
  readonly host: string | undefined
  readonly protocol: 'http' | 'https'
}

/** Of a socket; `encrypted` is that of TLS. */
export type Connection = { readonly remoteAddress?: string | undefined; readonly encrypted?: boolean }

/**
 * Reads `X-Forwarded-For`, `-Host` and `-Proto` of proxies that are trusted. Those of others, and
 * malformed ones, are ignored: clients could choose their address and host with them.
 */
export type Proxies = (headers: IncomingHttpHeaders, connection: Connection) => Origin

/** @param trusted IP addresses and CIDR networks; throws a RangeError that names an invalid one */
export function createProxies(trusted: readonly string[] = []): Proxies {
  const list = new BlockList()
  for (const entry of trusted) addNetwork(list, entry)
  const isTrusted = (address: string): boolean =>
    isIP(address) > 0 && list.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6')
  return (headers, { remoteAddress = '', encrypted = false }) => {
    const direct = toPlainAddress(remoteAddress)
    const protocol = encrypted ? 'https' : 'http'
    if (!isTrusted(direct)) return { address: direct, host: headers.host, protocol }
    return {
      address: findClient(direct, headers['x-forwarded-for'], isTrusted),
      host: parseHost(headers['x-forwarded-host']) ?? headers.host,
      protocol: parseProtocol(headers['x-forwarded-proto']) ?? protocol,
    }
  }
}

/** The last address that no trusted proxy has: earlier ones may be invented by the client. */
function findClient(direct: string, header: Header, isTrusted: (address: string) => boolean): string {
  let client = direct
  for (const entry of splitList(header).toReversed()) {
    const address = toPlainAddress(entry)
    if (isIP(address) === 0) return client
    client = address
    if (!isTrusted(address)) return client
  }
  return client
}

type Header = string | string[] | undefined

function splitList(header: Header): readonly string[] {
  return [header ?? []].flat().flatMap((line) => line.split(',').map((entry) => entry.trim()))
}

function parseHost(header: Header): string | undefined {
  const host = splitList(header).at(-1) ?? ''
  return /^(?:[\w.-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::[0-9]{1,5})?$/i.test(host) ? host : undefined
}

function parseProtocol(header: Header): Origin['protocol'] | undefined {
  const protocol = splitList(header).at(-1)
  return protocol === 'http' || protocol === 'https' ? protocol : undefined
}

/** IPv4 addresses of a dual-stack socket look like `::ffff:10.0.0.1`. */
function toPlainAddress(address: string): string {
  return address.replace(/^::ffff:(?=[0-9.]+$)/i, '').replace(/^\[(.*)\]$/, '$1')
}

function addNetwork(list: BlockList, entry: string): void {
  const [address = '', prefix] = entry.split('/', 2)
  const family = isIP(address)
  const bits = prefix === undefined ? (family === 4 ? 32 : 128) : Number(prefix)
  if (family === 0 || !/^[0-9]*$/.test(prefix ?? '') || bits > (family === 4 ? 32 : 128)) {
    throw new RangeError(`${JSON.stringify(entry)} is not an IP address or network such as 10.0.0.0/8`)
  }
  list.addSubnet(address, bits, family === 4 ? 'ipv4' : 'ipv6')
}
