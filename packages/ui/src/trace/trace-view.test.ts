import { describe, expect, test } from 'vitest'
import { response, span, spanId } from '../../test/spans.ts'
import {
  collapseAll,
  collapseOrAscend,
  createTraceView,
  expandOrDescend,
  matchBeside,
  reveal,
  setCollapsed,
  setFolded,
  spanIdBeside,
} from './trace-view.ts'

const spans = [
  span(1, { for: 100 }),
  span(2, { parent: 1, at: 1 }),
  span(3, { parent: 2, at: 2 }),
  span(4, { parent: 1, at: 3 }),
]

describe('a trace view', () => {
  test('moves the cursor past collapsed spans', () => {
    const view = createTraceView(response(spans))
    view.cursor.value = spanId(2)
    setCollapsed(view, spanId(2), true)
    expect(spanIdBeside(view, 1)).toBe(spanId(4))
    expect(spanIdBeside(view, Infinity)).toBe(spanId(4))
    expect(spanIdBeside(view, -Infinity)).toBe(spanId(1))
  })

  test('collapses a span before moving to its parent, and expands it before moving to its child', () => {
    const view = createTraceView(response(spans))
    view.cursor.value = spanId(2)
    expect(collapseOrAscend(view)).toBe(spanId(2))
    expect(collapseOrAscend(view)).toBe(spanId(1))
    expect(expandOrDescend(view)).toBe(spanId(2))
    expect(expandOrDescend(view)).toBe(spanId(3))
  })

  test('reveals a span below a collapsed one', () => {
    const view = createTraceView(response(spans))
    collapseAll(view)
    expect(view.rows.value).toHaveLength(1)
    reveal(view, 2)
    expect([...view.rows.value]).toEqual([0, 1, 2, 3])
  })

  test('moves through search matches and wraps around', () => {
    const view = createTraceView(response(spans))
    view.query.value = 'span'
    view.cursor.value = spanId(4)
    expect(matchBeside(view, 1)).toBe(0)
    expect(matchBeside(view, -1)).toBe(2)
    view.query.value = 'nowhere'
    expect(matchBeside(view, 1)).toBeUndefined()
  })

  test('keeps cursor, collapsed spans and zoom when late spans arrive', () => {
    const view = createTraceView(response(spans.slice(0, 3)))
    view.cursor.value = spanId(2)
    setCollapsed(view, spanId(2), true)
    view.window.value = { from: 1e6, to: 2e6 }
    view.update(response([...spans, span(5, { parent: 1, at: 0.5, for: 500 })]))
    expect(view.cursorRow.value).toBe(2)
    expect(view.collapsed.value.has(spanId(2))).toBe(true)
    expect(view.window.value).toEqual({ from: 1e6, to: 2e6 })
  })

  test('extends the time window to late spans when the whole trace is shown', () => {
    const view = createTraceView(response(spans))
    view.update(response([...spans, span(5, { parent: 1, at: 3, for: 500 })]))
    expect(view.window.value.to).toBe(503e6)
  })

  test('shows a group of similar siblings as one row until it is expanded', () => {
    const alike = Array.from({ length: 20 }, (_, i) => span(i + 10, { parent: 1, at: i, name: 'select' }))
    const view = createTraceView(response([span(1, { for: 100 }), ...alike, span(90, { parent: 20, at: 12 })]))
    expect([...view.rows.value]).toEqual([0, 1])
    reveal(view, view.model.value.positionById.get(spanId(90)) ?? -1)
    expect(view.rows.value).toHaveLength(22)
    setFolded(view, spanId(10), true)
    expect(view.rows.value).toHaveLength(2)
    view.cursor.value = spanId(10)
    expandOrDescend(view)
    expect(view.rows.value).toHaveLength(22)
  })
})
