import { useSignal } from '@preact/signals'
import { sanitizeBlock } from '../../lib/format/visible-text.ts'

/**
 * Shown at once when asked for; a text node of more than this takes a browser seconds to lay out.
 */
const MAX_SHOWN_LENGTH = 100_000

/** A text in full when it is short, and its beginning with a way to the rest when it is not. */
export function LongText({ text, most }: { readonly text: string; readonly most: number }) {
  const isOpen = useSignal(false)
  const limit = isOpen.value ? MAX_SHOWN_LENGTH : most
  return (
    <span class="text block">
      {text === '' ? <span class="faint">(empty)</span> : sanitizeBlock(text, limit)}
      {text.length > most && (
        <button
          type="button"
          class="plain"
          onClick={(event) => {
            event.stopPropagation()
            isOpen.value = !isOpen.value
          }}
        >
          {isOpen.value ? 'Show less' : `Show all ${text.length.toLocaleString('en')} characters`}
        </button>
      )}
      {isOpen.value && text.length > MAX_SHOWN_LENGTH && (
        <span class="faint"> cut at 100,000 characters. Copy the value for all of it.</span>
      )}
    </span>
  )
}
