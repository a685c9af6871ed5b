import { expect, test } from 'vitest'
import {
  describeIncompleteSearch,
  mergeCounts,
  formatSearchedRange,
  searchedBy,
  visiblePart,
} from './searched-range.ts'

const nano = (text: string): string => `${new Date(text).getTime()}000000`

test('a searched range is formatted without the day within one day, and with seconds within minutes', () => {
  expect(formatSearchedRange({ start: nano('2026-11-29T12:00:00'), end: nano('2026-11-29T12:40:09') })).toBe(
    '12:00 to 12:40',
  )
  expect(formatSearchedRange({ start: nano('2026-11-29T12:00:07'), end: nano('2026-11-29T12:01:09') })).toBe(
    '12:00:07 to 12:01:09',
  )
  expect(formatSearchedRange({ start: nano('2026-11-28T23:00:00'), end: nano('2026-11-29T01:00:00') })).toBe(
    '2026-11-28 23:00 to 2026-11-29 01:00',
  )
  expect(formatSearchedRange({ start: '0', end: nano('2026-11-29T01:00:00') })).toBe('all time')
})

test('a searched range that ends before the requested end is formatted with its age', () => {
  const searched = { start: nano('2026-11-29T12:00:00'), end: nano('2026-11-29T12:40:00') }
  expect(formatSearchedRange(searched, nano('2026-11-29T12:40:30'))).toBe('12:00 to 12:40 (up to 30 s ago)')
  expect(formatSearchedRange(searched, nano('2026-11-29T12:41:00'))).toBe('12:00 to 12:40 (up to 1m ago)')
  expect(formatSearchedRange(searched, searched.end)).toBe('12:00 to 12:40')
  expect(formatSearchedRange({ ...searched, start: '0' }, nano('2026-11-29T12:41:00'))).toBe('all time (up to 1m ago)')
})

test('pages together cover the range from the start of the last to the end of the first', () => {
  const page = (start: number, end: number, complete: boolean) => ({
    searched: { start: String(start), end: String(end) },
    complete,
  })
  expect(searchedBy([page(50, 90, false), page(20, 50, false), page(0, 20, true)])).toEqual(page(0, 90, true))
  expect(searchedBy([page(50, 90, false)])).toEqual(page(50, 90, false))
})

test('pages are incomplete together when one of them may lack rows', () => {
  const lacking = { searched: { start: '50', end: '90' }, complete: false, missingParts: true as const }
  const rest = { searched: { start: '0', end: '50' }, complete: true }
  const both = searchedBy([lacking, rest])
  expect(both).toEqual({ searched: { start: '0', end: '90' }, complete: false, missingParts: true })
  expect(describeIncompleteSearch(both, 'traces')).toContain('cannot be read')
  expect(describeIncompleteSearch({ ...rest, complete: false }, 'traces')).toBe(
    'Older traces have not been searched yet.',
  )
})

test('counts of pages are added without counting an overlap twice', () => {
  const page = (start: number, end: number, counts: readonly number[]) => ({
    searched: { start: String(start), end: String(end) },
    stepNano: '10',
    counts: counts.map((count, at) => ({ startTimeUnixNano: String(at * 10), count })),
  })
  const counted = (...pages: Parameters<typeof mergeCounts>[0]) => mergeCounts(pages).map(({ count }) => count)
  // The first page stopped within the third bucket; the second continued from there.
  expect(counted(page(25, 40, [0, 0, 1, 5]), page(0, 25, [7, 2, 1, 0]))).toEqual([7, 2, 2, 5])
  // The second page started again at 38.
  expect(counted(page(25, 40, [0, 0, 1, 5]), page(0, 38, [7, 2, 2, 4]))).toEqual([7, 2, 2, 5])
})

test('a bucket that the range cuts is partial and narrower', () => {
  const response = { stepNano: '60', endTimeUnixNano: '150' }
  const searched = { start: '30', end: '150' }
  expect(visiblePart(response, '60', searched)).toMatchObject({ share: 1, isPartial: false, isSearched: true })
  expect(visiblePart(response, '120', searched)).toEqual({
    share: 0.5,
    lengthNano: '30',
    isPartial: true,
    isSearched: true,
  })
  expect(visiblePart(response, '0', searched)).toMatchObject({ share: 1, isPartial: true, lengthNano: '30' })
  expect(visiblePart(response, '0', { start: '60', end: '150' })).toMatchObject({ share: 1, isSearched: false })
})
