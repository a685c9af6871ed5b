import type { HeldList } from './use-held-list.ts'

/** Shows rows that arrived while the list was held. Outside the list, so that it moves no row. */
export function NewRowsButton({ list }: { readonly list: Pick<HeldList<unknown>, 'newCount' | 'showNew'> }) {
  return (
    <span role="status">
      {list.newCount > 0 && (
        <button type="button" class="new-rows" title="Show new rows at the top" onClick={list.showNew}>
          {list.newCount.toLocaleString('en')} new
        </button>
      )}
    </span>
  )
}
