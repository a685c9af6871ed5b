import { useState } from 'preact/hooks'
import { announce } from '../app/announcer.tsx'
import { sanitizeText } from '../lib/format/sanitize.ts'
import { session, signOut } from './session.ts'

/** Who is signed in, and a button to sign out; nothing without authentication. */
export function UserMenu() {
  const [isBusy, setBusy] = useState(false)
  const user = session.value?.user
  if (user === undefined) return null
  const leave = (): void => {
    setBusy(true)
    signOut().catch((error: unknown) => {
      setBusy(false)
      announce(`Can't sign out: ${(error as Error).message}`)
    })
  }
  return (
    <span class="user">
      <span class="user-name" title={`Roles: ${user.roles.join(', ')}`}>
        {sanitizeText(user.name || 'Signed in', 60)}
      </span>
      <button type="button" class="bare" disabled={isBusy} onClick={leave}>
        Sign out
      </button>
    </span>
  )
}
