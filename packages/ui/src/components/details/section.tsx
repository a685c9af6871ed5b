import type { ComponentChildren } from 'preact'

export function Section(props: {
  readonly title: string
  readonly count?: number
  readonly dropped?: number
  readonly open?: boolean
  readonly children: ComponentChildren
}) {
  return (
    <details class="section" open={props.open}>
      <summary class="bare">
        <h3>{props.title}</h3>
        {props.count !== undefined && <span class="section-count">{props.count.toLocaleString('en')}</span>}
        <Dropped count={props.dropped ?? 0} />
      </summary>
      {props.children}
    </details>
  )
}

/** Data dropped at an SDK limit cannot be recovered, so the count is shown wherever it applies. */
export function Dropped({ count }: { readonly count: number }) {
  return count === 0 ? null : <span class="tag warn">{count.toLocaleString('en')} dropped by the SDK</span>
}
