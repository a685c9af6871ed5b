import type { SessionResponse, SignInRequest } from '@spanlink/api-schema'
import { computed } from '@preact/signals'
import { isSignedOut, sendJson } from '../lib/api.ts'
import { createResource } from '../lib/resource.ts'

const resource = createResource<SessionResponse>()

export const session = computed(() => resource.state.value.data)
export const sessionError = computed(() => resource.state.value.error)

export async function loadSession(): Promise<void> {
  await resource.load('api/session')
  const { authentication, user } = session.peek() ?? {}
  if (authentication === 'required' && user === undefined) isSignedOut.value = true
}

/** @throws ApiError */
export async function signInWithToken(token: string): Promise<void> {
  await sendJson('POST', 'api/session', { token } satisfies SignInRequest)
  await resource.load('api/session')
  isSignedOut.value = false
}

/** @throws ApiError */
export async function signOut(): Promise<void> {
  const response = await sendJson<{ readonly redirect?: string }>('DELETE', 'api/session')
  // The provider ends its own session, and leads back.
  if (response?.redirect !== undefined) return location.assign(response.redirect)
  await resource.load('api/session')
  isSignedOut.value = true
}
