import { statSync } from 'node:fs'
import type { Log } from '../log.ts'

/** PEM texts. */
export type Certificate = {
  readonly cert: Buffer
  readonly key: Buffer
  /** Authorities of client certificates. */
  readonly ca?: Buffer
}

/** A certificate whose files are read again when they change. */
export type Tls = {
  readonly certificate: Certificate
  /** Gives a server each new certificate. */
  follow(server: { setSecureContext(certificate: Certificate): void }): void
  close(): void
}

const CHECK_INTERVAL_MS = 2000

/**
 * @param files whose changes are noticed
 * @param read throws if they are invalid: then the earlier certificate stays, until they are valid
 */
export function openTls(files: readonly string[], read: () => Certificate, log: Log): Tls {
  const certificate = read()
  const servers: Parameters<Tls['follow']>[0][] = []
  const describeFiles = (): string => files.map(describeState).join('\n')
  let state = describeFiles()
  const check = (): void => {
    const found = describeFiles()
    if (found === state) return
    state = found
    try {
      const renewed = read()
      for (const server of servers) server.setSecureContext(renewed)
      log('Read the TLS certificate again.', { audit: 'certificate-changed' })
    } catch (error) {
      log(`The changed TLS certificate is not used: ${(error as Error).message}`, { level: 'error' })
    }
  }
  const timer = setInterval(check, CHECK_INTERVAL_MS).unref()
  return { certificate, follow: (server) => void servers.push(server), close: () => clearInterval(timer) }
}

function describeState(file: string): string {
  const stat = statSync(file, { throwIfNoEntry: false, bigint: true })
  return stat === undefined ? '' : `${stat.ino} ${stat.size} ${stat.mtimeNs}`
}
