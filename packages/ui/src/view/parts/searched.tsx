import type { SearchedRange } from '@spanlink/contract'
import { rangeText } from '../../model/searched-range.ts'
import { Icon } from './icon.tsx'

/** What a list is about: the range that was searched, and whether more was asked for. */
export function Searched({ range }: { readonly range: SearchedRange }) {
  return range.complete ? (
    <span class="faint"> · {rangeText(range.searched)}</span>
  ) : (
    <span
      class="partial"
      title="The rest of the time range has not been searched yet: load older at the end of the list"
    >
      <Icon name="warning" /> searched {rangeText(range.searched)} only
    </span>
  )
}
