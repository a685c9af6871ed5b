import type { ComponentChildren } from 'preact'
import { Icon } from '../buttons/icon.tsx'

/** The filters of a page in one row; each change is written to the URL immediately. */
export function FilterForm(props: {
  readonly label: string
  /** False or undefined disables the Clear button, because no filter is set. */
  readonly canClear?: boolean
  readonly onClear?: () => void
  readonly children: ComponentChildren
}) {
  return (
    <form class="filters" role="search" aria-label={props.label} onSubmit={(event) => event.preventDefault()}>
      {props.children}
      {props.onClear !== undefined && (
        <button
          type="button"
          class="clear"
          disabled={props.canClear !== true}
          title="Clear all filters"
          onClick={props.onClear}
        >
          <Icon name="close" />
          Clear
        </button>
      )}
    </form>
  )
}
