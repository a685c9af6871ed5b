import { sanitizeText } from '../../lib/format/sanitize.ts'

/** Tooltips need no more than this. */
const MAX_TITLE_LENGTH = 500

/** Untrusted text: direction isolated, control characters made visible, truncated by its column. */
export function Text({ children, class: name = '' }: { readonly children: string; readonly class?: string }) {
  return (
    <span class={`text ${name}`} title={sanitizeText(children, MAX_TITLE_LENGTH)}>
      {children === '' ? <span class="faint">(empty)</span> : sanitizeText(children)}
    </span>
  )
}
