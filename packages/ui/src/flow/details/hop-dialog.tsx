import { signal } from '@preact/signals'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import { formatDuration } from '../../lib/format/duration.ts'
import type { PlacedEdge } from '../model/placed-flow.ts'
import { findNextHops } from '../model/next-hops.ts'
import type { FlowView, FlowProps } from '../flow-view.ts'
import { announce } from '../../app/announcer.tsx'
import { Icon } from '../../components/buttons/icon.tsx'
import { Text, SpanName } from '../../components/labels/labels.tsx'
import { goToHop } from '../flow-selection.ts'

interface Choice {
  readonly to: 'effect' | 'cause'
  readonly hops: readonly PlacedEdge[]
}

/** Maximum number of listed hops; the timeline shows all. */
const MAX_HOPS = 60

const choice = signal<Choice | undefined>(undefined)

/** Opens a dialog to choose a hop from the row under the cursor. */
export function openHopDialog(view: FlowView, to: 'effect' | 'cause'): void {
  const hops = findNextHops(view.model.peek(), view.rows.peek()[view.cursorRow.peek()], to)
  if (hops.length === 0) announce(to === 'effect' ? 'No downstream consumer.' : 'No upstream producer.')
  else choice.value = { to, hops: hops.slice(0, MAX_HOPS) }
}

export function HopDialog({ view, pageState }: FlowProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  const open = choice.value
  useLayoutEffect(() => {
    if (open !== undefined && dialog.current?.open === false) dialog.current.showModal()
  }, [open])
  useEffect(() => () => void (choice.value = undefined), [])
  const model = view.model.value
  const take = (hop: PlacedEdge): void => {
    dialog.current?.close()
    if (open !== undefined) goToHop(view, pageState, hop, open.to)
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[event.key]
    const hop = open?.hops[Number(event.key) - 1]
    if (hop !== undefined && /^[1-9]$/.test(event.key)) take(hop)
    else if (step === undefined) return
    else {
      const buttons = [...(dialog.current?.querySelectorAll<HTMLElement>('ol button') ?? [])]
      const at = buttons.findIndex((button) => button === document.activeElement)
      buttons[Math.min(buttons.length - 1, Math.max(0, at + step))]?.focus()
    }
    event.preventDefault()
  }
  return (
    <dialog
      ref={dialog}
      class="help branches"
      aria-labelledby="branches-title"
      onKeyDown={onKeyDown}
      onClose={() => (choice.value = undefined)}
      onClick={(event) => {
        if (event.target instanceof HTMLDialogElement) event.target.close()
      }}
    >
      <form method="dialog">
        <h2 id="branches-title">{open?.to === 'cause' ? 'Previous hops' : 'Next hops'}</h2>
        <button class="quiet" aria-label="Close">
          <Icon name="close" />
        </button>
      </form>
      <ol>
        {open?.hops.map((hop, index) => {
          const lane = model.lanes[open.to === 'effect' ? hop.toLane : hop.fromLane]
          const { topic, queueTimeNano, onCriticalPath, id } = hop.edge
          return (
            <li key={id}>
              {/* oxlint-disable-next-line jsx-a11y/no-autofocus -- a dialog's first choice is where its keys begin */}
              <button type="button" autofocus={index === 0} onClick={() => take(hop)}>
                <kbd>{index < 9 ? index + 1 : '·'}</kbd>
                <SpanName service={lane?.rootService ?? ''} name={lane?.rootName ?? ''} />
                <span class="way-wait">
                  {topic !== '' && <Text>{topic}</Text>}
                  {queueTimeNano !== null && <b>{formatDuration(Number(queueTimeNano))}</b>}
                  {onCriticalPath && <span class="tag">critical path</span>}
                </span>
              </button>
            </li>
          )
        })}
      </ol>
    </dialog>
  )
}
