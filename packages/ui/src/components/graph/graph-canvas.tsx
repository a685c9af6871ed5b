import { useComputed, useSignal } from '@preact/signals'
import type { ComponentChildren, TargetedPointerEvent } from 'preact'
import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks'
import { smoothPath } from '../../lib/canvas/smooth-path.ts'
import { createGraphLayout } from './graph-layout-state.ts'
import { Icon } from '../buttons/icon.tsx'
import { useHeight, useWidth } from '../tree/use-size.ts'
import { dragPointer } from '../tree/drag-pointer.ts'

interface GraphNode {
  readonly id: string
  readonly width: number
  readonly height: number
  readonly content: ComponentChildren
}

interface GraphEdge {
  readonly id: string
  readonly from: string
  readonly to: string
  readonly class: string
  /** Strokes in pixels. */
  readonly width: number
  readonly weight?: number
  /** Has no label, so its nodes are placed closer together. */
  readonly isShort?: boolean
  readonly label?: ComponentChildren
}

const MIN_SCALE = 0.05
const MAX_SCALE = 2
/** Small graphs are not enlarged, so text keeps its size. */
const MAX_FIT_SCALE = 1
/**
 * Initially the whole graph is shown if its names are readable, else this scale is used. Fit always
 * shows the whole graph.
 */
const MIN_INITIAL_SCALE = 0.36
/** Below this scale a node shows only its name, in text of constant size. */
const COMPACT_SCALE = 0.7
const ZOOM_PER_PIXEL = 1.003

/**
 * A graph that scrolls and zooms. Nodes are DOM links, focusable in the given order. Edges are an
 * SVG for pointers only, so every page with a graph also lists its edges as text.
 */
export function GraphCanvas(props: {
  readonly label: string
  readonly nodes: readonly GraphNode[]
  readonly edges: readonly GraphEdge[]
  /** Space between layers in pixels, for edge labels. */
  readonly gap: number
  /** The node to keep in view. */
  readonly cursor?: string
  readonly onEdge: (id: string) => void
}) {
  const { nodes, edges, cursor } = props
  const graphLayout = useMemo(() => createGraphLayout(), [])
  useEffect(() => () => graphLayout.stop(), [graphLayout])
  const shape = JSON.stringify([nodes.map((node) => [node.id, node.width, node.height]), edges.map((edge) => edge.id)])
  useEffect(() => {
    graphLayout.compute({
      nodes: nodes.map(({ id, width, height }) => ({ id, width, height })),
      edges: edges.map(({ id, from, to, weight, isShort }) => ({ id, from, to, weight, isShort })),
      gap: props.gap,
    })
  }, [graphLayout, shape])
  const scroller = useRef<HTMLDivElement>(null)
  const width = useWidth(scroller)
  const height = useHeight(scroller)
  const chosenScale = useSignal<number | 'fit' | undefined>(undefined)
  const { layout, error, busy } = graphLayout.state.value
  const scale = useComputed(() => {
    const size = graphLayout.state.value.layout
    if (typeof chosenScale.value === 'number') return chosenScale.value
    if (size === undefined || width.value === 0) return 1
    const fit = Math.min(width.value / size.width, height.value / size.height)
    return clamp(fit, chosenScale.value === 'fit' ? MIN_SCALE : MIN_INITIAL_SCALE, MAX_FIT_SCALE)
  })
  useEffect(() => {
    const box = scroller.current
    const onWheel = (event: WheelEvent): void => {
      if (!event.ctrlKey && !event.metaKey) return
      event.preventDefault()
      chosenScale.value = clamp(scale.peek() * ZOOM_PER_PIXEL ** -event.deltaY, MIN_SCALE, MAX_SCALE)
    }
    box?.addEventListener('wheel', onWheel, { passive: false })
    return () => box?.removeEventListener('wheel', onWheel)
  }, [])
  useLayoutEffect(() => {
    const position = cursor === undefined ? undefined : layout?.nodes[cursor]
    const box = scroller.current
    if (box === null || layout === undefined) return
    if (position === undefined) {
      // Centres a tall graph vertically on its first layer.
      if (box.scrollTop === 0) box.scrollTop = (layout.height * scale.peek() - box.clientHeight) / 2
      return
    }
    const [x, y] = [position[0] * scale.peek(), position[1] * scale.peek()]
    if (x < box.scrollLeft + 20 || x > box.scrollLeft + box.clientWidth - 220) box.scrollLeft = x - box.clientWidth / 3
    if (y < box.scrollTop + 20 || y > box.scrollTop + box.clientHeight - 80) box.scrollTop = y - box.clientHeight / 2
  }, [cursor, layout])

  const zoom = (factor: number) => () => {
    chosenScale.value = clamp(scale.peek() * factor, MIN_SCALE, MAX_SCALE)
  }
  return (
    <div class="graph">
      <div
        class="graph-scroll"
        ref={scroller}
        tabIndex={0}
        role="group"
        aria-label={props.label}
        onPointerDown={dragToScroll}
      >
        {layout === undefined ? (
          <p class="graph-waiting" role="status">
            {error === undefined ? 'Computing layout…' : `Layout failed: ${error}`}
          </p>
        ) : (
          <div
            class={`graph-stage ${busy ? 'busy' : ''}`}
            style={{ width: `${layout.width * scale.value}px`, height: `${layout.height * scale.value}px` }}
          >
            <div
              class={`graph-plane ${scale.value < COMPACT_SCALE ? 'compact' : ''}`}
              style={{
                '--scale': String(scale.value),
                width: `${layout.width}px`,
                height: `${layout.height}px`,
                transform: `scale(${scale.value})`,
              }}
            >
              <svg width={layout.width} height={layout.height} aria-hidden="true">
                {edges.map((edge) => {
                  const points = layout.edges[edge.id]
                  if (points === undefined) return null
                  const path = smoothPath(points)
                  return (
                    <g key={edge.id} class={`graph-edge ${edge.class}`} onClick={() => props.onEdge(edge.id)}>
                      <path class="hit" d={path} />
                      <path class="line" d={path} style={{ strokeWidth: `${edge.width}px` }} />
                      <path class="tip" d={arrowHeadPath(points)} />
                    </g>
                  )
                })}
              </svg>
              {nodes.map((node) => {
                const position = layout.nodes[node.id]
                if (position === undefined) return null
                return (
                  <div
                    key={node.id}
                    class="graph-node"
                    style={{
                      transform: `translate(${position[0]}px, ${position[1]}px)`,
                      width: `${node.width}px`,
                      height: `${node.height}px`,
                    }}
                  >
                    {node.content}
                  </div>
                )
              })}
              {edges.map((edge) => {
                const position = layout.labels[edge.id]
                if (edge.label === undefined || position === undefined) return null
                const [x, y] = position
                return (
                  <span key={edge.id} class={`graph-label ${edge.class}`} style={{ left: `${x}px`, top: `${y}px` }}>
                    {edge.label}
                  </span>
                )
              })}
            </div>
          </div>
        )}
      </div>
      {busy && layout !== undefined && (
        <p class="graph-busy" role="status">
          Computing layout…
        </p>
      )}
      <div class="graph-zoom">
        <button type="button" aria-label="Zoom out" onClick={zoom(1 / 1.25)}>
          −
        </button>
        <button type="button" aria-label="Fit" title="Fit to view" onClick={() => (chosenScale.value = 'fit')}>
          <Icon name="whole" />
        </button>
        <button type="button" aria-label="Zoom in" onClick={zoom(1.25)}>
          +
        </button>
      </div>
    </div>
  )
}

/** Dragging the background scrolls. Nodes and edges keep their clicks. */
function dragToScroll(down: TargetedPointerEvent<HTMLElement>): void {
  const box = down.currentTarget
  if (!(down.target instanceof Element) || down.button !== 0) return
  if (down.pointerType === 'touch' || down.target.closest('.graph-node, .graph-edge') !== null) return
  const { left, top } = box.getBoundingClientRect()
  // On a scroll bar.
  if (down.clientX - left >= box.clientWidth || down.clientY - top >= box.clientHeight) return
  const from = { left: box.scrollLeft, top: box.scrollTop }
  const move = (event: PointerEvent): void => {
    box.scrollLeft = from.left - (event.clientX - down.clientX)
    box.scrollTop = from.top - (event.clientY - down.clientY)
  }
  box.classList.add('dragging')
  dragPointer(box, down, move, () => box.classList.remove('dragging'))
}

/** An arrow head at the end of a line, in the direction of its last segment. */
function arrowHeadPath(points: readonly (readonly [x: number, y: number])[]): string {
  const [x, y] = points.at(-1) ?? [0, 0]
  const [fromX, fromY] = points.at(-2) ?? [x - 1, y]
  const length = Math.hypot(x - fromX, y - fromY) || 1
  const [dx, dy] = [(x - fromX) / length, (y - fromY) / length]
  const [backX, backY] = [x - dx * 8, y - dy * 8]
  return `M${x} ${y}L${backX - dy * 3.5} ${backY + dx * 3.5}L${backX + dy * 3.5} ${backY - dx * 3.5}Z`
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(max, Math.max(min, value))
}
