import type { RequestEvent } from 'kafkajs'

/** `messaging.client.id`, once it is known. */
export interface ClientIdentity {
  readonly clientId: string | undefined
}

/**
 * Reads the client id, which kafkajs exposes only in request events. The listener is removed at the
 * first event, as kafkajs creates events only for listeners.
 */
export function watchClientId(
  configured: string | undefined,
  onRequest: (listener: (event: RequestEvent) => void) => () => void,
): ClientIdentity {
  const identity: { clientId: string | undefined } = { clientId: configured }
  if (configured !== undefined) return identity
  const leave = onRequest(({ payload }) => {
    leave()
    identity.clientId = payload.clientId
  })
  return identity
}
