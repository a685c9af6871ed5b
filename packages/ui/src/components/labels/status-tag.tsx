import type { StatusCode } from '@spanlink/api-schema'
import { Icon } from '../buttons/icon.tsx'

export function StatusTag({ code }: { readonly code: StatusCode }) {
  if (code === 'error') {
    return (
      <span class="tag error">
        <Icon name="error" />
        error
      </span>
    )
  }
  return code === 'ok' ? (
    <span class="tag ok">
      <Icon name="check" />
      ok
    </span>
  ) : (
    <span class="tag">status unset</span>
  )
}
