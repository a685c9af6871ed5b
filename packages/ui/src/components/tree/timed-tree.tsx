import { effect, useComputed, type ReadonlySignal, type Signal } from '@preact/signals'
import type { VNode } from 'preact'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import { cancelPaint, paintNextFrame } from '../../lib/canvas/paint-scheduler.ts'
import { ticksIn } from '../../lib/canvas/ticks.ts'
import type { TimeWindow } from '../../lib/time-window.ts'
import { Splitter } from '../splitter.tsx'
import { createTiles } from './canvas-tiles.ts'
import { useScrollToCursor, type RowCursor } from './use-scroll-to-cursor.ts'
import { useStableRows } from './use-stable-rows.ts'
import { useRowSlots } from './use-row-slots.ts'
import { useRowWindow } from './use-row-window.ts'
import { Ruler } from './ruler.tsx'
import { handleTimeline, type TimeAxis } from './timeline-gestures.ts'
import { useHeight, useWidth } from './use-size.ts'

const PIXELS_PER_TICK = 110
/** Limits the label column, so that a narrow window still shows the time axis. */
const MAX_LABEL_SHARE = 0.6
/** Width of the label column until the user resizes it. */
const DEFAULT_LABEL_WIDTH = 410
const DEFAULT_LABEL_SHARE = 0.42

/** Rows above and below the visible ones whose bars are painted in advance. */
const PAINT_OVERSCAN = 5

/**
 * The part of the tree that is painted in one call. `width` is the time axis, `fullWidth` the
 * canvas, both in CSS pixels.
 */
export interface TreeArea {
  readonly first: number
  readonly last: number
  readonly window: TimeWindow
  readonly ticks: readonly number[]
  readonly width: number
  readonly fullWidth: number
}

/** Paints the bars of a tree. Created once per view. */
export interface TreePainting {
  /** Reads every signal that the picture depends on, except those of the area. */
  readonly watch: () => void
  readonly paint: (context: CanvasRenderingContext2D, area: TreeArea) => void
}

/** Position of a row in the tree. */
export interface RowPosition {
  readonly row: number
  readonly isTabStop: boolean
  readonly isCursor: boolean
  /** Width of the time axis in CSS pixels. */
  readonly timeline: ReadonlySignal<number>
}

/**
 * Labels are rows of a treegrid; bars are on canvases beneath them. Both are in the scrolled
 * content, so they move together and only rows that scroll in are painted.
 */
export function TimedTree<P extends object>(props: {
  readonly view: TimeAxis & RowCursor
  readonly count: ReadonlySignal<number>
  readonly rowHeight: number
  readonly painting: TreePainting
  /** Props of a row; a row with equal props is not rendered again. */
  readonly rowAt: (place: RowPosition) => P | undefined
  readonly makeRow: (key: string, props: P) => VNode
  readonly label: string
  readonly head: string
  readonly class?: string
  /** CSS pixels; undefined until the user resizes the column. */
  readonly labelWidth: Signal<number | undefined>
  /** Canvas pixels to the right of the time axis. */
  readonly rightAir: number
}) {
  const { view, count, rowHeight, painting, rightAir, labelWidth } = props
  const scroller = useRef<HTMLDivElement>(null)
  const canvases = useRef<HTMLDivElement>(null)
  const width = useWidth(scroller)
  const height = useHeight(scroller)
  const labels = useComputed(() => {
    const isResized = labelWidth.value !== undefined
    const max = Math.round(width.value * (isResized ? MAX_LABEL_SHARE : DEFAULT_LABEL_SHARE))
    return Math.min(labelWidth.value ?? DEFAULT_LABEL_WIDTH, max)
  })
  const timeline = useComputed(() => Math.max(0, width.value - labels.value - rightAir))
  const ticks = useComputed(() => ticksIn(view.window.value, Math.max(2, Math.floor(timeline.value / PIXELS_PER_TICK))))
  const { first, last, slots, firstSeen, lastSeen, onScroll } = useRowWindow(count, height, rowHeight)

  useEffect(() => {
    if (canvases.current === null) return undefined
    const tiles = createTiles(canvases.current, (context, first, last) =>
      painting.paint(context, {
        first,
        last,
        window: view.window.peek(),
        ticks: ticks.peek(),
        width: timeline.peek(),
        fullWidth: timeline.peek() + rightAir,
      }),
    )
    let isRepaint = true
    const paint = (): void => {
      if (timeline.peek() === 0) return
      const width = timeline.peek() + rightAir
      tiles.show({
        first: Math.max(0, firstSeen.peek() - PAINT_OVERSCAN),
        last: Math.min(count.peek(), lastSeen.peek() + PAINT_OVERSCAN),
        count: count.peek(),
        rowHeight,
        width,
        isRepaint,
      })
      isRepaint = false
    }
    const repaint = (): void => {
      isRepaint = true
      paintNextFrame(paint)
    }
    const paintLater = (): void => paintNextFrame(paint)
    const stops = [
      effect(() => {
        void [count.value, ticks.value, timeline.value, view.window.value]
        painting.watch()
        repaint()
      }),
      effect(() => {
        const isBare = !tiles.cover(firstSeen.value, lastSeen.value)
        // Off-screen rows are added in this frame and painted in the next, to spread the work.
        paintNextFrame(isBare ? paint : paintLater)
      }),
    ]
    // Text is drawn with the page's font, which may load after the first paint.
    void document.fonts.ready.then(repaint)
    return () => {
      for (const stop of stops) stop()
      cancelPaint(paintLater)
      cancelPaint(paint)
    }
  }, [view, painting])

  useLayoutEffect(() => {
    const element = scroller.current
    if (element === null) return undefined
    return handleTimeline(
      element,
      view,
      () => labels.peek(),
      () => timeline.peek(),
    )
  }, [view])
  useScrollToCursor(view, scroller, rowHeight)

  const keepRow = useStableRows(props.makeRow)
  const assignSlot = useRowSlots(first, last, slots)
  const cursorRow = view.cursorRow.value
  const from = first.value
  const to = last.value
  const tabStop = cursorRow >= from && cursorRow < to ? cursorRow : from
  return (
    <div class={`waterfall ${props.class ?? ''}`} style={{ '--label-width': `${labels.value}px` }}>
      <div role="treegrid" aria-label={props.label} aria-rowcount={count.value + 1} aria-colcount={2} class="tree">
        <div role="rowgroup" class="tree-head">
          <div role="row" aria-rowindex={1}>
            <div role="columnheader" class="label-head">
              {props.head}
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
          onScroll={(event) => {
            onScroll(event.currentTarget.scrollTop)
            blurRemovedRow(event.currentTarget, first.peek(), last.peek())
          }}
        >
          <div role="presentation" class="tree-space" style={{ height: `${count.value * rowHeight}px` }}>
            <div ref={canvases} class="tree-canvases" aria-hidden="true" />
            {Array.from({ length: Math.max(0, to - from) }, (_, index) => {
              const row = from + index
              const found = props.rowAt({ row, isTabStop: row === tabStop, isCursor: row === cursorRow, timeline })
              return found === undefined ? null : keepRow(assignSlot(row), found)
            })}
          </div>
        </div>
      </div>
      <Splitter
        label="Resize names"
        size={labels.value}
        min={160}
        max={900}
        side={1}
        onResize={(size) => (labelWidth.value = size)}
      />
    </div>
  )
}

/** A row that scrolls out is reused for another row, which must not keep the focus. */
function blurRemovedRow(tree: HTMLElement, first: number, last: number): void {
  const { activeElement } = document
  if (!(activeElement instanceof HTMLElement) || !tree.contains(activeElement)) return
  const row = Number(activeElement.closest('[role=row]')?.getAttribute('aria-rowindex')) - 2
  if (row < first || row >= last) activeElement.blur()
}
