import { useSignal, type ReadonlySignal } from '@preact/signals'
import { useRef } from 'preact/hooks'
import { formatDuration } from '../../lib/format/duration.ts'
import { windowBetween } from '../../lib/time-window.ts'
import type { TimeAxis } from './timeline-gestures.ts'
import { dragPointer } from './drag-pointer.ts'

/** The range that is being dragged, in pixels. */
export function Brush({ range }: { readonly range: readonly [from: number, to: number] | undefined }) {
  if (range === undefined) return null
  return <i class="brush" style={{ left: `${Math.min(...range)}px`, width: `${Math.abs(range[1] - range[0])}px` }} />
}

/** Times along the top. Dragging zooms to the dragged range. */
export function Ruler(props: {
  readonly view: TimeAxis
  readonly ticks: ReadonlySignal<readonly number[]>
  readonly width: ReadonlySignal<number>
}) {
  const { view } = props
  const box = useRef<HTMLDivElement>(null)
  const brush = useSignal<readonly [from: number, to: number] | undefined>(undefined)
  const { from, to } = view.window.value
  const scale = props.width.value / (to - from)
  return (
    <div class="ruler" ref={box} onPointerDown={drag} title="Drag to zoom">
      {props.ticks.value.map((tick) => (
        <span key={tick} style={{ transform: `translateX(${Math.round((tick - from) * scale)}px)` }}>
          {tick === 0 ? '0' : formatDuration(tick)}
        </span>
      ))}
      <Brush range={brush.value} />
    </div>
  )

  function drag(down: PointerEvent): void {
    const strip = box.current
    if (strip === null || down.button !== 0) return
    const { left } = strip.getBoundingClientRect()
    const at = (event: PointerEvent): number => Math.min(props.width.peek(), Math.max(0, event.clientX - left))
    const x0 = at(down)
    const move = (event: PointerEvent): void => {
      brush.value = [x0, at(event)]
    }
    const up = (): void => {
      const made = brush.peek()
      brush.value = undefined
      if (made === undefined || Math.abs(made[1] - made[0]) <= 3) return
      const window = view.window.peek()
      const perPixel = (window.to - window.from) / props.width.peek()
      view.window.value = windowBetween(
        window.from + made[0] * perPixel,
        window.from + made[1] * perPixel,
        view.model.peek().duration,
      )
    }
    dragPointer(strip, down, move, up)
  }
}
