import { visibleText } from '../../lib/format/visible-text.ts'
import { QUERY_ID } from './query-input.tsx'

/** Of a long query, so much is shown on either side of what is wrong. */
const AROUND = 60

/** A query with what is wrong in it marked, and the way there. `from`, `to`: UTF-16 units. */
export function WrongQuery(props: { readonly text: string; readonly from: number; readonly to: number }) {
  const { text, from } = props
  const to = Math.max(from, props.to)
  const before = text.slice(Math.max(0, from - AROUND), from)
  const after = text.slice(to, to + AROUND)
  return (
    <>
      <p class="wrong-query mono">
        {from > AROUND ? '…' : ''}
        {visibleText(before)}
        <mark>{to > from ? visibleText(text.slice(from, to), AROUND) : ' '}</mark>
        {visibleText(after)}
        {to + AROUND < text.length ? '…' : ''}
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
