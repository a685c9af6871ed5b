import { sanitizeText } from '../../lib/format/sanitize.ts'
import { QUERY_ID } from './query-input.tsx'

/** Characters of a long query shown on each side of the error. */
const CONTEXT_LENGTH = 60

/** A query with its error marked and a button that moves there. `from`, `to`: UTF-16 units. */
export function QueryError(props: { readonly text: string; readonly from: number; readonly to: number }) {
  const { text, from } = props
  const to = Math.max(from, props.to)
  const before = text.slice(Math.max(0, from - CONTEXT_LENGTH), from)
  const after = text.slice(to, to + CONTEXT_LENGTH)
  return (
    <>
      <p class="wrong-query mono">
        {from > CONTEXT_LENGTH ? '…' : ''}
        {sanitizeText(before)}
        <mark>{to > from ? sanitizeText(text.slice(from, to), CONTEXT_LENGTH) : ' '}</mark>
        {sanitizeText(after)}
        {to + CONTEXT_LENGTH < text.length ? '…' : ''}
      </p>
      <p>
        <button type="button" onClick={() => goTo(from, to)}>
          Jump to error
        </button>
      </p>
    </>
  )
}

function goTo(from: number, to: number): void {
  const field = document.getElementById(QUERY_ID)
  if (!(field instanceof HTMLInputElement)) return
  field.focus()
  field.setSelectionRange(from, to)
}
