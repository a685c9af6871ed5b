import { effect, signal, useComputed, useSignal } from '@preact/signals'
import type { ComponentProps, VNode } from 'preact'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import { contextFor } from '../../draw/canvas.ts'
import { cancelPaint, paintNextFrame } from '../../draw/frame.ts'
import { paintWaterfall, ROW_HEIGHT } from '../../draw/paint-waterfall.ts'
import { readPalette, type Palette } from '../../draw/palette.ts'
import { waterfallBars } from '../../draw/waterfall-bars.ts'
import { isFolded } from '../../model/rows.ts'
import type { TraceModel } from '../../model/trace-model.ts'
import { ticksIn } from '../../model/ticks.ts'
import { shownTheme } from '../../state/theme.ts'
import type { TraceView } from '../../state/trace-view.ts'
import { Splitter } from '../parts/splitter.tsx'
import { Ruler } from './ruler.tsx'
import { SpanRow } from './span-row.tsx'
import { handleTimeline } from './timeline-gestures.ts'
import { useHeight, useWidth } from './use-size.ts'

/** Rows kept above and below what is seen: a flick of the wheel lands on rows that are there. */
const OVERSCAN = 16
/** Rows come and go this many at a time, so that most scrolling changes nothing at all. */
const STEP = 8
/** Room right of the last tick for the end of the trace not to touch the edge. */
const RIGHT_AIR = 12
const PIXELS_PER_TICK = 110

/** However wide the names were made, a narrow window still shows time. */
const MOST_LABEL_SHARE = 0.6

const labelWidth = signal(420)

/**
 * Labels are rows of a treegrid, bars are one canvas under them. The canvas lies in the scrolled content and covers the rendered rows, so scrolling
 * moves both together without a paint.
 */
export function Waterfall({ view, selected }: { readonly view: TraceView; readonly selected: string | undefined }) {
  const scroller = useRef<HTMLDivElement>(null)
  const canvas = useRef<HTMLCanvasElement>(null)
  const width = useWidth(scroller)
  const height = useHeight(scroller)
  const scrollTop = useSignal(0)
  const labels = useComputed(() => Math.min(labelWidth.value, Math.round(width.value * MOST_LABEL_SHARE)))
  const timeline = useComputed(() => Math.max(0, width.value - labels.value - RIGHT_AIR))
  const first = useComputed(() => Math.max(0, Math.floor((scrollTop.value / ROW_HEIGHT - OVERSCAN) / STEP) * STEP))
  const last = useComputed(() =>
    Math.min(
      view.rows.value.length,
      Math.ceil(((scrollTop.value + height.value) / ROW_HEIGHT + OVERSCAN) / STEP) * STEP,
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
      if (palette === undefined || paletteOf[0] !== model || paletteOf[1] !== shownTheme.peek()) {
        palette = readPalette(model.services.map((service) => service.name))
        paletteOf = [model, shownTheme.peek()]
      }
      const collapsed = view.collapsed.peek()
      const matches = view.matchSet.peek()
      const question = {
        rows: view.rows.peek(),
        first: first.peek(),
        last: last.peek(),
        window: view.window.peek(),
        width: timeline.peek(),
        isFolded: (position: number) => isFolded(model, position, view.unfolded.peek()),
        ...(view.showsCritical.peek() ? { path: view.critical.peek() } : {}),
        isCollapsed: (position: number) => collapsed.size > 0 && collapsed.has(model.spans[position]?.spanId ?? ''),
      }
      const bars = waterfallBars(model, question)
      const context = contextFor(element, question.width + RIGHT_AIR, Math.max(1, bars.count * ROW_HEIGHT))
      if (context === null) return
      paintWaterfall(context, {
        model,
        bars,
        window: question.window,
        ticks: ticks.peek(),
        width: question.width + RIGHT_AIR - 2,
        scaleWidth: question.width,
        palette,
        isMatch: (position) => matches.has(position),
      })
    }
    const stop = effect(() => {
      void [view.model.value, view.rows.value, view.matchSet.value, first.value, last.value, ticks.value]
      void [view.showsCritical.value && view.critical.value, timeline.value, shownTheme.value, view.window.value]
      paintNextFrame(paint)
    })
    // Text is drawn with the page's font, which may come after the first paint.
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
  const model = view.model.value
  const rowOf = useRows(model)
  const cursorRow = view.cursorRow.value
  const tabStop = cursorRow >= first.value && cursorRow < last.value ? cursorRow : first.value
  return (
    <div class="waterfall" style={{ '--label-width': `${labels.value}px` }}>
      <div role="treegrid" aria-label="Spans" aria-rowcount={rows.length + 1} aria-colcount={2} class="tree">
        <div role="rowgroup" class="tree-head">
          <div role="row" aria-rowindex={1}>
            <div role="columnheader" class="label-head">
              Span
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
          <div role="presentation" class="tree-space" style={{ height: `${rows.length * ROW_HEIGHT}px` }}>
            <canvas ref={canvas} aria-hidden="true" style={{ top: `${first.value * ROW_HEIGHT}px` }} />
            {Array.from(rows.subarray(first.value, last.value), (position, index) =>
              rowOf(model.spans[position]?.spanId ?? '', {
                view,
                position,
                row: first.value + index,
                isTabStop: first.value + index === tabStop,
                isCursor: first.value + index === cursorRow,
                isSelected: model.spans[position]?.spanId === selected,
              }),
            )}
          </div>
        </div>
      </div>
      <Splitter
        label="Width of the span names"
        size={labels.value}
        least={160}
        most={900}
        side={1}
        onResize={(size) => (labelWidth.value = size)}
      />
    </div>
  )
}

type RowProps = ComponentProps<typeof SpanRow>

/**
 * Rows that stay as they were are given as the very same node, which is not compared again: scrolling then costs the rows that come,
 * not those that are there. What a row shows of signals it follows by itself.
 */
function useRows(model: TraceModel): (spanId: string, props: RowProps) => VNode {
  const kept = useRef({ model, before: new Map<string, KeptRow>(), now: new Map<string, KeptRow>() })
  if (kept.current.model !== model) kept.current = { model, before: new Map(), now: new Map() }
  kept.current.before = kept.current.now
  kept.current.now = new Map()
  const { before, now } = kept.current
  return (spanId, props) => {
    const old = before.get(spanId)
    const row =
      old !== undefined && isSame(old.props, props) ? old : { props, node: <SpanRow key={spanId} {...props} /> }
    now.set(spanId, row)
    return row.node
  }
}

interface KeptRow {
  readonly props: RowProps
  readonly node: VNode
}

function isSame(a: RowProps, b: RowProps): boolean {
  return (
    a.view === b.view &&
    a.position === b.position &&
    a.row === b.row &&
    a.isTabStop === b.isTabStop &&
    a.isCursor === b.isCursor &&
    a.isSelected === b.isSelected
  )
}

/** The row under the cursor is scrolled to; when a key moved it, and one is not typing or elsewhere on the page, it gets the focus. */
function useCursorInSight(view: TraceView, scroller: { readonly current: HTMLDivElement | null }): void {
  const row = view.cursorRow.value
  const isFirst = useRef(true)
  useLayoutEffect(() => {
    const box = scroller.current
    if (box === null || row < 0) return
    const top = row * ROW_HEIGHT
    const isAbove = top < box.scrollTop
    const isBelow = top + ROW_HEIGHT > box.scrollTop + box.clientHeight
    if (isFirst.current && isBelow) box.scrollTop = top - box.clientHeight / 3
    else if (isAbove) box.scrollTop = top
    else if (isBelow) box.scrollTop = top + ROW_HEIGHT - box.clientHeight
    isFirst.current = false
    if (!view.wantsFocus.value) return
    view.wantsFocus.value = false
    // The row may come into being only after this scroll.
    requestAnimationFrame(() => requestAnimationFrame(() => focusRow(box, row)))
  }, [row, view.wantsFocus.value])
}

function focusRow(box: HTMLElement, row: number): void {
  const mayFocus = document.activeElement === document.body || box.contains(document.activeElement)
  if (mayFocus) box.querySelector<HTMLElement>(`[aria-rowindex="${row + 2}"]`)?.focus({ preventScroll: true })
}
