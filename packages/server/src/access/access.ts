import { type Authenticator, openToAll } from './authenticator.ts'
import { createHostGuard, type HostGuard } from './host-guard.ts'
import { createIngestLimits, type IngestLimits } from './ingest-limits.ts'
import { createProxies, type Proxies } from './proxies.ts'
import type { SignIn } from './sign-in/sign-in.ts'
import type { Tls } from './tls.ts'

/** Who may reach the ports, and by which names. */
export type Access = {
  readonly authenticator: Authenticator
  readonly ingestLimits: IngestLimits
  readonly isAllowedHost: HostGuard
  readonly proxies: Proxies
  /** Undefined if authentication is off. */
  readonly signIn?: SignIn | undefined
  /** @default plain text */
  readonly tls?: Tls | undefined
  /** Origins whose pages may send over OTLP/HTTP; `*` allows all. */
  readonly corsOrigins: readonly string[]
}

/** Access without authentication. @param listenHost address that the ports listen on */
export function createOpenAccess(listenHost = '127.0.0.1'): Access {
  return {
    authenticator: openToAll,
    ingestLimits: createIngestLimits(),
    isAllowedHost: createHostGuard(listenHost),
    proxies: createProxies(),
    corsOrigins: [],
  }
}
