import { useSignal } from '@preact/signals'
import { sanitizeBlock } from '../../lib/format/sanitize.ts'

/** Shown at once when expanded; browsers need seconds to lay out a longer text node. */
const MAX_SHOWN_LENGTH = 100_000

/** A short text in full; of a longer one the beginning, with a button that shows the rest. */
export function LongText({ text, maxLength }: { readonly text: string; readonly maxLength: number }) {
  const isOpen = useSignal(false)
  const limit = isOpen.value ? MAX_SHOWN_LENGTH : maxLength
  return (
    <span class="text block">
      {text === '' ? <span class="faint">(empty)</span> : sanitizeBlock(text, limit)}
      {text.length > maxLength && (
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
