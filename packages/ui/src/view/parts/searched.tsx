import type { SearchedRange } from '@spanlink/contract'
import { rangeText } from '../../model/searched-range.ts'

/** The range that a list is about. What was not searched yet is at the end of the list, behind Load older. */
export function Searched({ range }: { readonly range: SearchedRange }) {
  const text = rangeText(range.searched)
  if (range.missingParts) return <span class="faint searched"> · {text}, parts of it cannot be read</span>
  return <span class="faint searched"> · {range.complete ? text : `searched ${text} so far`}</span>
}
