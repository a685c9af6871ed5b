import type { RequestEvent } from 'kafkajs'

/** `messaging.client.id`, once it is known. */
export interface ClientIdentity {
  readonly clientId: string | undefined
}

/**
 * kafkajs keeps its client id to itself, but names it in every request event, and connecting makes
 * requests. One listener, which leaves at the first event: kafkajs builds no events when nobody
 * listens.
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
