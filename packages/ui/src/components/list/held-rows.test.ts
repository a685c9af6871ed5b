import fc from 'fast-check'
import { expect, test } from 'vitest'
import { holdRows } from './held-rows.ts'

const hold = (shown: string, fresh: string) => {
  const { rows, newCount } = holdRows([...shown], [...fresh], (row) => row)
  return [rows.join(''), newCount]
}

test.each([
  ['new rows at the top are held back and counted', 'cba', 'edcba', 'cba', 2],
  ['a new row in between is held back and counted', 'cba', 'cxba', 'cba', 1],
  ['older rows are appended', 'cba', 'cba98', 'cba98', 0],
  ['a changed order of rows is ignored', 'cba', 'abc', 'cba', 0],
  ['rows that are no longer in the result stay', 'cba', 'edc', 'cba', 2],
  ['a result without any shown row is held back and counted', 'cba', 'fed', 'cba', 3],
])('%s', (_, shown, fresh, rows, newCount) => {
  expect(hold(shown, fresh)).toEqual([rows, newCount])
})

test('a held row is shown with its newest content', () => {
  const fresh = [
    { id: 'new', spans: 1 },
    { id: 'a', spans: 9 },
  ]
  expect(holdRows([{ id: 'a', spans: 2 }], fresh, ({ id }) => id).rows).toEqual([{ id: 'a', spans: 9 }])
})

test('shown rows never move, for any result', () => {
  const list = fc.uniqueArray(fc.integer({ min: 0, max: 40 }))
  fc.assert(
    fc.property(list, list, (shown, fresh) => {
      const { rows, newCount } = holdRows(shown, fresh, String)
      expect(rows.slice(0, shown.length)).toEqual(shown)
      expect(new Set(rows).size).toBe(rows.length)
      const hidden = fresh.filter((row) => !rows.includes(row))
      expect(hidden.length).toBe(newCount)
    }),
  )
})
