import fc from 'fast-check'
import { expect, test } from 'vitest'
import { layoutGraph } from './graph-layout.ts'
import { smoothPath } from '../../lib/canvas/smooth-path.ts'

const node = (id: string) => ({ id, width: 100, height: 40 })

test('a graph layout puts causes left of effects and is deterministic', () => {
  const request = {
    nodes: ['a', 'b', 'c'].map(node),
    edges: [
      { id: 'ab', from: 'a', to: 'b' },
      { id: 'bc', from: 'b', to: 'c' },
    ],
    gap: 60,
  }
  const layout = layoutGraph(request)
  expect(layout.nodes['a']?.[0]).toBeLessThan(layout.nodes['b']?.[0] ?? 0)
  expect(layout.nodes['b']?.[0]).toBeLessThan(layout.nodes['c']?.[0] ?? 0)
  expect(layoutGraph(request)).toEqual(layout)
})

test('any graph layout positions each node without overlap, with cycles and hostile names too', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(7), fc.nat(7)), { maxLength: 20 }),
      fc.constantFrom('n', '__proto__', '<svg>'),
      (pairs, prefix) => {
        const nodes = Array.from({ length: 8 }, (_, nth) => node(`${prefix}${nth}`))
        const edges = pairs.map(([a, b], nth) => ({ id: String(nth), from: `${prefix}${a}`, to: `${prefix}${b}` }))
        const layout = layoutGraph({ nodes, edges, gap: 60 })
        const corners = nodes.map(({ id }) => layout.nodes[id] ?? [Number.NaN, Number.NaN])
        for (const [index, [x, y]] of corners.entries()) {
          expect(Number.isFinite(x) && Number.isFinite(y)).toBe(true)
          for (const [otherX, otherY] of corners.slice(index + 1))
            expect(Math.abs(x - otherX) >= 100 || Math.abs(y - otherY) >= 40).toBe(true)
        }
      },
    ),
    { numRuns: 40 },
  )
})

test('the labels of edges overlap neither each other nor a node', () => {
  const request = {
    nodes: ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map(node),
    edges: ['ad', 'ae', 'af', 'bd', 'be', 'bf', 'cd', 'ce', 'cf', 'dg', 'eg', 'fg', 'ah', 'bg', 'gh'].map((id) => ({
      id,
      from: id.slice(0, 1),
      to: id.slice(1),
    })),
    gap: 64,
  }
  const { labels, nodes } = layoutGraph(request)
  const boxes = [
    // As in graph.css: 15 pixels high, and 3 above the line.
    ...Object.entries(labels).map(([id, [x, y]]) => ({ id, x: x - 20, y: y - 18, width: 40, height: 15 })),
    ...Object.entries(nodes).map(([id, [x, y]]) => ({ id, x, y, width: 100, height: 40 })),
  ]
  const overlaps = boxes.flatMap((box, index) =>
    boxes
      .slice(index + 1)
      .filter((other) => box.x < other.x + other.width && other.x < box.x + box.width)
      .filter((other) => box.y < other.y + other.height && other.y < box.y + box.height)
      .map((other) => `${box.id} ${other.id}`),
  )
  expect(Object.keys(labels)).toHaveLength(request.edges.length)
  expect(overlaps).toEqual([])
})

test('an edge is a smooth path along its points', () => {
  expect(smoothPath([])).toBe('')
  expect(
    smoothPath([
      [0, 0],
      [10, 0],
      [20, 10],
      [30, 10],
    ]),
  ).toBe('M0 0Q10 0 15 5Q20 10 30 10')
})
