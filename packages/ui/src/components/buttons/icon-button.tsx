import type { IconName } from './icons.ts'
import { Icon } from './icon.tsx'

/**
 * A borderless icon-only button. `label` is its accessible name and, with the key if any, its
 * tooltip.
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
