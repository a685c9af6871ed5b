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

/** What to do where no data have arrived yet. */
export function ConnectLink() {
  return (
    <p>
      <a class="button primary" href="connect">
        Connect an application
      </a>
    </p>
  )
}

/** An entry of the list `notes` above incomplete data. */
export function Note(props: {
  readonly icon: 'info' | 'warning'
  readonly actions?: ComponentChildren
  readonly children: ComponentChildren
}) {
  return (
    <li>
      <Icon name={props.icon} />
      <span>{props.children}</span>
      {props.actions}
    </li>
  )
}

/** As tall as the list that follows, to avoid a layout shift. `label` is the accessible name. */
export function LoadingRows({ label, rows = 16 }: { readonly label: string; readonly rows?: number }) {
  return (
    <div class="loading-rows" role="status" aria-label={label}>
      {Array.from({ length: rows }, (_, row) => (
        <i key={row} />
      ))}
    </div>
  )
}
