import type { HeldList } from './use-held-list.ts'

/**
 * What came while the rows of a list were held, and the way to it. Outside of the list, so that it
 * moves nothing.
 */
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
