import { visibleText } from '../../lib/format/visible-text.ts'

/** A title is a tooltip, not a reader: it takes this much. */
const TITLE_MOST = 500

/**
 * Text that came from outside: isolated in direction, controls made visible, cut by the column it
 * stands in.
 */
export function Text({ children, class: name = '' }: { readonly children: string; readonly class?: string }) {
  return (
    <span class={`text ${name}`} title={visibleText(children, TITLE_MOST)}>
      {children === '' ? <span class="faint">(empty)</span> : visibleText(children)}
    </span>
  )
}
