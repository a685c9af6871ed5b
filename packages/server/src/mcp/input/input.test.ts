import { expect, test } from 'vitest'
import { parse } from '../../traceql/syntax/parse.ts'
import { buildConditions, matchAnyField } from './build-query.ts'
import { resolveWindow } from './time-window.ts'

test('filters become one valid TraceQL filter, whatever their values contain', () => {
  const hostile = 'a" || true } | rate() { \n\\ `x`'
  const conditions = buildConditions({
    service: hostile,
    name: hostile,
    topic: hostile,
    attributes: { [hostile]: hostile, 'order.id': '7', count: 2, isNew: true },
    minDuration: '1s',
    errorsOnly: true,
  })
  expect(conditions).toHaveLength(9)
  const all = [...conditions, matchAnyField([hostile], hostile)].join(' && ')
  expect(() => parse(`{ ${all} }`)).not.toThrow()
  expect(conditions).toContain('(.order.id = "7" || .order.id = 7)')
})

const NOW = Date.parse('2026-12-01T12:00:00Z')
const nano = (iso: string): string => `${Date.parse(iso)}000000`

test.each([
  [{}, '2026-12-01T11:00:00Z', '2026-12-01T12:00:00Z'],
  [{ since: '30m' }, '2026-12-01T11:30:00Z', '2026-12-01T12:00:00Z'],
  [{ end: '2026-12-01T10:00:00Z' }, '2026-12-01T09:00:00Z', '2026-12-01T10:00:00Z'],
  [{ since: '2h', end: nano('2026-12-01T10:00:00Z') }, '2026-12-01T08:00:00Z', '2026-12-01T10:00:00Z'],
  [{ start: '2026-12-01T10:30:00+01:00' }, '2026-12-01T09:30:00Z', '2026-12-01T12:00:00Z'],
])('%j is the range from %s to %s', (args, start, end) => {
  expect(resolveWindow(args, NOW)).toMatchObject({ start: nano(start), end: nano(end) })
})

test('only a range that ends now has a length for the page', () => {
  expect(resolveWindow({ since: '6h' }, NOW).last).toBe('6h')
  expect(resolveWindow({ since: '6h', end: nano('2026-12-01T10:00:00Z') }, NOW).last).toBeUndefined()
})

test.each(['', 'now', '-1', 'x2026', '2026-99', '99999999999999999999999'])('%j is no time', (start) => {
  expect(() => resolveWindow({ start }, NOW)).toThrow(/^Invalid start/)
})

test('digits are Unix nanoseconds', () => {
  expect(resolveWindow({ start: '1' }, NOW).start).toBe('1')
})
