import type { ComponentChildren } from 'preact'
import type { IconName } from './buttons/icons.ts'
import { Icon } from './buttons/icon.tsx'

/** Replaces data that are empty or failed to load, and says what to do. */
export function Notice(props: {
  readonly icon: IconName
  readonly title: string
  readonly kind?: 'plain' | 'error'
  /** True if nothing else on the page has a heading. */
  readonly isPage?: boolean
  readonly children?: ComponentChildren
}) {
  return (
    <section class={`notice ${props.kind ?? 'plain'}`} role={props.kind === 'error' ? 'alert' : undefined}>
      <Icon name={props.icon} />
      {props.isPage ? <h1>{props.title}</h1> : <h2>{props.title}</h2>}
      <div class="notice-body">{props.children}</div>
    </section>
  )
}
