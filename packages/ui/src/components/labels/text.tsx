import { sanitizeText } from '../../lib/format/visible-text.ts'

/** A title is a tooltip, not a reader: it takes this much. */
const MAX_TITLE_LENGTH = 500

/**
 * Text that came from outside: isolated in direction, controls made visible, cut by the column it
 * stands in.
 */
export function Text({ children, class: name = '' }: { readonly children: string; readonly class?: string }) {
  return (
    <span class={`text ${name}`} title={sanitizeText(children, MAX_TITLE_LENGTH)}>
      {children === '' ? <span class="faint">(empty)</span> : sanitizeText(children)}
    </span>
  )
}
