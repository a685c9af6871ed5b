import { limitLog, type Log } from '../log.ts'
import { describeFile } from './file-state.ts'

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
  const describeFiles = (): string => files.map(describeFile).join('\n')
  let state = describeFiles()
  const logFailure = limitLog(log)
  const check = (): void => {
    const found = describeFiles()
    if (found === state) return
    try {
      const renewed = read()
      state = found
      for (const server of servers) server.setSecureContext(renewed)
      log('Read the TLS certificate again.', { audit: 'certificate-changed' })
    } catch (error) {
      // Tried again at each check, as two files do not change at the same moment.
      logFailure(`The changed TLS certificate is not used: ${(error as Error).message}`, { level: 'error' })
    }
  }
  const timer = setInterval(check, CHECK_INTERVAL_MS).unref()
  return { certificate, follow: (server) => void servers.push(server), close: () => clearInterval(timer) }
}
