import { effect, signal, useComputed, useSignal } from '@preact/signals'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import { contextFor } from '../../draw/canvas.ts'
import { flowBars } from '../../draw/flow-bars.ts'
import { cancelPaint, paintNextFrame } from '../../draw/frame.ts'
import { FLOW_ROW_HEIGHT, paintFlow } from '../../draw/paint-flow.ts'
import { readPalette, type Palette } from '../../draw/palette.ts'
import { servicesOfFlow } from '../../model/flow-model.ts'
import { ticksIn } from '../../model/ticks.ts'
import type { FlowPlace } from '../../state/flow-url.ts'
import type { FlowView } from '../../state/flow-view.ts'
import { shownTheme } from '../../state/theme.ts'
import { Splitter } from '../parts/splitter.tsx'
import { Ruler } from '../trace/ruler.tsx'
import { handleTimeline } from '../trace/timeline-gestures.ts'
import { useHeight, useWidth } from '../trace/use-size.ts'
import { FlowRowView } from './flow-row.tsx'

const OVERSCAN = 16
const STEP = 8
/** Room for the length of what ends last. */
const RIGHT_AIR = 64
const PIXELS_PER_TICK = 110
const MOST_LABEL_SHARE = 0.6

const labelWidth = signal(400)

/** As the waterfall is made: rows of a treegrid for names, one canvas under them for bars, waits and the critical path. */
export function FlowTimeline({ view, place }: { readonly view: FlowView; readonly place: FlowPlace }) {
  const scroller = useRef<HTMLDivElement>(null)
  const canvas = useRef<HTMLCanvasElement>(null)
  const width = useWidth(scroller)
  const height = useHeight(scroller)
  const scrollTop = useSignal(0)
  const labels = useComputed(() => Math.min(labelWidth.value, Math.round(width.value * MOST_LABEL_SHARE)))
  const timeline = useComputed(() => Math.max(0, width.value - labels.value - RIGHT_AIR))
  const first = useComputed(() => Math.max(0, Math.floor((scrollTop.value / FLOW_ROW_HEIGHT - OVERSCAN) / STEP) * STEP))
  const last = useComputed(() =>
    Math.min(
      view.rows.value.length,
      Math.ceil(((scrollTop.value + height.value) / FLOW_ROW_HEIGHT + OVERSCAN) / STEP) * STEP,
    ),
  )
  const ticks = useComputed(() => ticksIn(view.window.value, Math.max(2, Math.floor(timeline.value / PIXELS_PER_TICK))))

  useEffect(() => {
    let palette: Palette | undefined
    let paletteOf: readonly unknown[] = []
    const paint = (): void => {
      const element = canvas.current
      if (element === null || timeline.peek() === 0) return
      const model = view.model.peek()
      const wanted = [model, view.open.peek(), shownTheme.peek()]
      if (palette === undefined || wanted.some((one, index) => one !== paletteOf[index])) {
        palette = readPalette(servicesOfFlow(model, view.open.peek().values()))
        paletteOf = wanted
      }
      const question = {
        rows: view.rows.peek(),
        rowOfLane: view.rowOfLane.peek(),
        first: first.peek(),
        last: last.peek(),
        window: view.window.peek(),
        width: timeline.peek(),
      }
      const bars = flowBars(model, question)
      const context = contextFor(element, question.width + RIGHT_AIR, Math.max(1, bars.count * FLOW_ROW_HEIGHT))
      if (context === null) return
      paintFlow(context, {
        bars,
        window: question.window,
        ticks: ticks.peek(),
        width: question.width + RIGHT_AIR - 2,
        scaleWidth: question.width,
        palette,
      })
    }
    const stop = effect(() => {
      void [view.model.value, view.rows.value, first.value, last.value, ticks.value]
      void [timeline.value, shownTheme.value, view.window.value]
      paintNextFrame(paint)
    })
    void document.fonts.ready.then(() => paintNextFrame(paint))
    return () => {
      stop()
      cancelPaint(paint)
    }
  }, [view])

  useEffect(() => {
    const element = scroller.current
    return element === null
      ? undefined
      : handleTimeline(
          element,
          view,
          () => labels.peek(),
          () => timeline.peek(),
        )
  }, [view])
  useCursorInSight(view, scroller)

  const rows = view.rows.value
  const cursorRow = view.cursorRow.value
  const tabStop = cursorRow >= first.value && cursorRow < last.value ? cursorRow : first.value
  return (
    <div class="waterfall flow-timeline" style={{ '--label-width': `${labels.value}px` }}>
      <div
        role="treegrid"
        aria-label="Traces of the flow"
        aria-rowcount={rows.length + 1}
        aria-colcount={2}
        class="tree"
      >
        <div role="rowgroup" class="tree-head">
          <div role="row" aria-rowindex={1}>
            <div role="columnheader" class="label-head">
              Trace
            </div>
            <div role="columnheader" class="time-head" aria-label="Time">
              <Ruler view={view} ticks={ticks} width={timeline} />
            </div>
          </div>
        </div>
        <div
          role="rowgroup"
          class="tree-body"
          ref={scroller}
          onScroll={(event) => (scrollTop.value = event.currentTarget.scrollTop)}
        >
          <div role="presentation" class="tree-space" style={{ height: `${rows.length * FLOW_ROW_HEIGHT}px` }}>
            <canvas ref={canvas} aria-hidden="true" style={{ top: `${first.value * FLOW_ROW_HEIGHT}px` }} />
            {rows.slice(first.value, last.value).map((row, index) => (
              <FlowRowView
                key={row.id}
                view={view}
                place={place}
                row={row}
                index={first.value + index}
                isTabStop={first.value + index === tabStop}
                isCursor={first.value + index === cursorRow}
                timeAt={(x) => timeAt(view, x, timeline.peek())}
              />
            ))}
          </div>
        </div>
      </div>
      <Splitter
        label="Width of the names"
        size={labels.value}
        least={160}
        most={900}
        side={1}
        onResize={(size) => (labelWidth.value = size)}
      />
    </div>
  )
}

function timeAt(view: FlowView, x: number, width: number): number {
  const { from, to } = view.window.peek()
  return from + (x / Math.max(1, width)) * (to - from)
}

function useCursorInSight(view: FlowView, scroller: { readonly current: HTMLDivElement | null }): void {
  const row = view.cursorRow.value
  useLayoutEffect(() => {
    const box = scroller.current
    if (box === null || row < 0) return
    const top = row * FLOW_ROW_HEIGHT
    if (top < box.scrollTop) box.scrollTop = top
    else if (top + FLOW_ROW_HEIGHT > box.scrollTop + box.clientHeight)
      box.scrollTop = top + FLOW_ROW_HEIGHT - box.clientHeight
    if (!view.wantsFocus.value) return
    view.wantsFocus.value = false
    // The row may come into being only after this scroll.
    requestAnimationFrame(() =>
      requestAnimationFrame(() => {
        const mayFocus = document.activeElement === document.body || box.contains(document.activeElement)
        // Where the cursor is by now: focus on a row that it has left would take it back there.
        const at = view.cursorRow.peek() + 2
        if (mayFocus) box.querySelector<HTMLElement>(`[aria-rowindex="${at}"]`)?.focus({ preventScroll: true })
      }),
    )
  }, [row, view.wantsFocus.value])
}
