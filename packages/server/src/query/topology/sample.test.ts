import { expect, test } from 'vitest'
import { chooseSample, sampleParams, type SampledRows, takeSample } from './sample.ts'

test('all traces are sampled up to the limit, and one in a power of two beyond it', () => {
  expect(chooseSample(10, 10).oneIn).toBe(1)
  expect(chooseSample(11, 10).oneIn).toBe(2)
  expect(chooseSample(1000, 10).oneIn).toBe(128)
})

test('the trace id bound is the sampled share of all ids', () => {
  expect(sampleParams({ oneIn: 256, by: 'id' }).sampleBelow).toBe(`01${'0'.repeat(30)}`)
  expect(sampleParams({ oneIn: 2, by: 'id' }).sampleBelow).toBe(`8${'0'.repeat(31)}`)
})

test.each([
  [100, 'id'],
  [30, 'id'],
  [0, 'hash'],
  [1000, 'hash'],
] as const)('a sample with %i of 100 expected traces is taken by %s', async (size, by) => {
  const take = async (): Promise<SampledRows<number>> => ({ rows: [], size })
  expect((await takeSample(400, 100, take)).sample.by).toBe(by)
})
