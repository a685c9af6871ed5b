import type { SearchedRange } from '@spanlink/api-schema'
import { formatSearchedRange } from '../../lib/searched-range.ts'

/**
 * The time range that a list covers. Load older at its end searches the rest. `requestedEnd` is the
 * requested end, for lists that exclude items below a minimum age.
 */
export function SearchedRangeText(props: { readonly range: SearchedRange; readonly requestedEnd?: string }) {
  const { range } = props
  const text = formatSearchedRange(range.searched, props.requestedEnd)
  if (range.missingParts) return <span class="faint searched"> · {text}, parts of it cannot be read</span>
  return <span class="faint searched"> · {range.complete ? text : `searched ${text} so far`}</span>
}
