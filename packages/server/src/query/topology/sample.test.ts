import { expect, test } from 'vitest'
import { chooseSample, sampleParams, type SampledRows, takeSample } from './sample.ts'

test('few traces are taken whole, of many a power of two is left out', () => {
  expect(chooseSample(10, 10).oneIn).toBe(1)
  expect(chooseSample(11, 10).oneIn).toBe(2)
  expect(chooseSample(1000, 10).oneIn).toBe(128)
})

test('ids below the bound are the share', () => {
  expect(sampleParams({ oneIn: 256, by: 'id' }).sampleBelow).toBe(`01${'0'.repeat(30)}`)
  expect(sampleParams({ oneIn: 2, by: 'id' }).sampleBelow).toBe(`8${'0'.repeat(31)}`)
})

test.each([
  [100, 'id'],
  [30, 'id'],
  [0, 'hash'],
  [1000, 'hash'],
] as const)('%i of 100 expected: taken by %s', async (size, by) => {
  const take = async (): Promise<SampledRows<number>> => ({ rows: [], size })
  expect((await takeSample({ oneIn: 4, by: 'id' }, 100, take)).sample.by).toBe(by)
})
