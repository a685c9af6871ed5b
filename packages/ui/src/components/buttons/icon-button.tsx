import type { IconName } from './icons.ts'
import { Icon } from './icon.tsx'

/**
 * A quiet button that is only a picture. `label` is said aloud and shown on hover, with its key
 * where it has one.
 */
export function IconButton(props: {
  readonly icon: IconName
  readonly label: string
  readonly keys?: string
  readonly disabled?: boolean
  readonly onClick: () => void
}) {
  const { label, keys } = props
  return (
    <button
      type="button"
      class="quiet"
      disabled={props.disabled}
      aria-label={label}
      title={keys === undefined ? label : `${label} (${keys})`}
      onClick={props.onClick}
    >
      <Icon name={props.icon} />
    </button>
  )
}
