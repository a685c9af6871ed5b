import type { ApiError } from '../../lib/api.ts'
import { Icon } from '../buttons/icon.tsx'

/** Shown beside data that could not be refreshed. */
export function RefreshError({ error }: { readonly error: Pick<ApiError, 'message'> | undefined }) {
  if (error === undefined) return null
  return (
    <p class="stale" role="status">
      <Icon name="warning" /> Not refreshing: {error.message}
    </p>
  )
}
