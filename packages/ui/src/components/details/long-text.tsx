import { useSignal } from '@preact/signals'
import { visibleBlock } from '../../lib/format/visible-text.ts'

/**
 * Shown at once when asked for; a text node of more than this takes a browser seconds to lay out.
 */
const MOST_AT_ONCE = 100_000

/** A text in full when it is short, and its beginning with a way to the rest when it is not. */
export function LongText({ text, most }: { readonly text: string; readonly most: number }) {
  const isOpen = useSignal(false)
  const limit = isOpen.value ? MOST_AT_ONCE : most
  return (
    <span class="text block">
      {text === '' ? <span class="faint">(empty)</span> : visibleBlock(text, limit)}
      {text.length > most && (
        <button
          type="button"
          class="plain"
          onClick={(event) => {
            event.stopPropagation()
            isOpen.value = !isOpen.value
          }}
        >
          {isOpen.value ? 'less' : `all ${text.length.toLocaleString('en')} characters`}
        </button>
      )}
      {isOpen.value && text.length > MOST_AT_ONCE && <span class="faint"> cut at 100,000: copy it to have it all</span>}
    </span>
  )
}
