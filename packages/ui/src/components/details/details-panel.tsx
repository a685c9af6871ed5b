import type { ComponentChildren } from 'preact'
import { LongText, ServiceName } from '../labels/labels.tsx'
import { IconButton } from '../buttons/icon-button.tsx'

/** The service, name and tags of a span, as the title of a panel. */
export function SpanTitle(props: {
  readonly service: string
  readonly name: string
  readonly tags: ComponentChildren
}) {
  return (
    <>
      <ServiceName name={props.service} />
      <h2>
        <LongText text={props.name} maxLength={160} />
      </h2>
      <span class="tags">{props.tags}</span>
    </>
  )
}

/** The panel beside a timeline, graph or list that shows the details of the selected item. */
export function DetailsPanel(props: {
  readonly label: string
  /** The heading, with the content above and below it. */
  readonly title: ComponentChildren
  readonly titleClass?: string
  /** Buttons before Close. */
  readonly actions?: ComponentChildren
  readonly onClose: () => void
  readonly children: ComponentChildren
}) {
  return (
    <aside class="details-panel" aria-label={props.label} tabIndex={0}>
      <header>
        <div class={`panel-title ${props.titleClass ?? ''}`}>{props.title}</div>
        {props.actions}
        <IconButton icon="close" label="Close details" keys="Esc" onClick={props.onClose} />
      </header>
      <div class="panel-body">{props.children}</div>
    </aside>
  )
}
