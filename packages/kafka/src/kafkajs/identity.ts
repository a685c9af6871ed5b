import type { RequestEvent } from 'kafkajs'

export interface ClientIdentity {
  /** `messaging.client.id`, once it is known. */
  readonly clientId: string | undefined
  /** Of a consumer. */
  readonly groupId: string | undefined
}

/**
 * Reads the client id, which kafkajs exposes only in request events. The listener is removed at the
 * first event, as kafkajs creates events only for listeners.
 */
export function watchClientId(
  clientId: string | undefined,
  groupId: string | undefined,
  onRequest: (listener: (event: RequestEvent) => void) => () => void,
): ClientIdentity {
  const identity: { clientId: string | undefined; readonly groupId: string | undefined } = { clientId, groupId }
  if (clientId !== undefined) return identity
  const leave = onRequest(({ payload }) => {
    leave()
    identity.clientId = payload.clientId
  })
  return identity
}
