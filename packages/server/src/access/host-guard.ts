import { isIP } from 'node:net'
import { hostname } from 'node:os'

/** Decides which `Host` headers to accept. */
export type HostGuard = (header: string | undefined) => boolean

/**
 * Accepts loopback names on loopback; elsewhere IP addresses, localhost and the name of this
 * machine; and those that are allowed. Otherwise any web page could point its own name at this
 * server and read it as its own origin (DNS rebinding).
 *
 * @param allowed names without ports; `*.example.com` allows subdomains, `*` everything
 */
export function createHostGuard(listenHost: string, allowed: readonly string[] = []): HostGuard {
  const isLocal = isLoopback(listenHost)
  const names = new Set(allowed.map((name) => name.toLowerCase()))
  const suffixes = [...names].filter((name) => name.startsWith('*.')).map((name) => name.slice(1))
  if (!isLocal) for (const name of [listenHost, hostname()]) names.add(name.toLowerCase())
  return (header) => {
    const host = parseHostname(header ?? '').toLowerCase()
    if (!HOST.test(host)) return false
    if (isLoopback(host) || names.has(host) || names.has('*')) return true
    if (!isLocal && isIP(host.replace(/^\[(.*)\]$/, '$1')) > 0) return true
    return suffixes.some((suffix) => host.endsWith(suffix))
  }
}

/**
 * Whether the `Origin` of a request is that of the requested host, or there is none: pages of other
 * origins must not send requests. Compares hosts only, as a proxy may end TLS.
 */
export function isSameOrigin(origin: string | undefined, host: string | undefined): boolean {
  return origin === undefined || URL.parse(origin)?.host === (host ?? '').toLowerCase().replace(/:(?:80|443)$/, '')
}

export function isLoopback(host: string): boolean {
  const name = host.toLowerCase()
  return name === 'localhost' || name === '::1' || name === '[::1]' || (isIP(name) === 4 && name.startsWith('127.'))
}

/** Anything else would be part of a path or a login in a URL. */
const HOST = /^(?:[\w.-]{1,253}|\[[0-9a-f:.]{2,45}\])$/

function parseHostname(header: string): string {
  return header.replace(/:[0-9]+$/, '')
}
