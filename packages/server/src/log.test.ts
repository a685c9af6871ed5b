import { expect, test } from 'vitest'
import { limitLog, type LogFields } from './log.ts'

test('a limited log writes the first line at once, then one line per interval with the number left out', () => {
  const lines: [string, LogFields | undefined][] = []
  let now = 5000
  const log = limitLog(
    (line, fields) => lines.push([line, fields]),
    10_000,
    () => now,
  )
  log('a', { level: 'error' })
  for (now = 5001; now < 15_000; now += 1000) log('b')
  expect(lines).toEqual([['a', { level: 'error' }]])
  now = 15_000
  log('c', { level: 'error' })
  now = 40_000
  log('d')
  expect(lines.slice(1)).toEqual([
    ['c (11 times in 10 s)', { level: 'error' }],
    ['d', undefined],
  ])
})
