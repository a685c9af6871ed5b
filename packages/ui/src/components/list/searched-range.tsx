import type { SearchedRange } from '@spanlink/api-schema'
import { formatSearchedRange } from '../../lib/searched-range.ts'

/**
 * The range that a list is about. What was not searched yet is at the end of the list, behind Load
 * older. `requestedEnd`: where a list judges nothing that is younger than some age, the end that
 * was requested.
 */
export function SearchedRangeText(props: { readonly range: SearchedRange; readonly requestedEnd?: string }) {
  const { range } = props
  const text = formatSearchedRange(range.searched, props.requestedEnd)
  if (range.missingParts) return <span class="faint searched"> · {text}, parts of it cannot be read</span>
  return <span class="faint searched"> · {range.complete ? text : `searched ${text} so far`}</span>
}
