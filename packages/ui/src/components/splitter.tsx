import { dragPointer } from './tree/drag-pointer.ts'

/**
 * A bar between two panes, moved by pointer or arrow keys. `size` and its bounds are the width of
 * the resized pane in CSS pixels.
 */
export function Splitter(props: {
  readonly label: string
  readonly size: number
  readonly min: number
  readonly max: number
  /** 1 when the sized pane is before the bar, -1 when it is after. */
  readonly side: 1 | -1
  readonly onResize: (size: number) => void
}) {
  const resize = (size: number): void => props.onResize(Math.round(Math.min(props.max, Math.max(props.min, size))))
  const drag = (down: PointerEvent & { readonly currentTarget: HTMLElement }): void => {
    const from = props.size
    dragPointer(down.currentTarget, down, (event) => resize(from + (event.clientX - down.clientX) * props.side))
    down.preventDefault()
  }
  return (
    <div
      class="splitter"
      role="separator"
      tabIndex={0}
      aria-orientation="vertical"
      aria-label={props.label}
      aria-valuenow={props.size}
      aria-valuemin={props.min}
      aria-valuemax={props.max}
      onPointerDown={drag}
      onKeyDown={(event) => {
        const step = { ArrowLeft: -16, ArrowRight: 16 }[event.key]
        if (step === undefined) return
        event.preventDefault()
        resize(props.size + step * props.side)
      }}
    />
  )
}
