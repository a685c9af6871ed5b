import type { MetricSeriesResponse } from '@spanlink/api-schema'
import { expect, test } from 'vitest'
import { bucketGroups } from './bucket-groups.ts'

const series = (service: string | undefined, le: string, values: readonly (number | null)[]) => ({
  labels: [...(service === undefined ? [] : [{ key: 'service', value: service }]), { key: 'le', value: le }],
  values: [...values],
})

function response(list: MetricSeriesResponse['series']): MetricSeriesResponse {
  return {
    name: 'latency',
    prometheusName: 'latency_seconds',
    type: 'histogram',
    unit: 's',
    description: '',
    rate: true,
    view: 'buckets',
    startTimeUnixNano: '0',
    stepNano: '10',
    series: list,
    exemplars: [],
  } as unknown as MetricSeriesResponse
}

test('each group of histogram series has its own heat map of its buckets, all on one scale', () => {
  const groups = bucketGroups(
    response([
      series('a', '+Inf', [null, 1]),
      series('b', '1', [0, 8]),
      series('a', '1', [2, 0]),
      series('b', '+Inf', [0, null]),
    ]),
  )
  expect(groups.map(({ name, bounds }) => [name, bounds])).toEqual([
    ['service=b', [1, Infinity]],
    ['service=a', [1, Infinity]],
  ])
  expect(groups.map(({ grid }) => grid.cells)).toEqual([
    [{ column: 1, row: 0, count: 8 }],
    [
      { column: 0, row: 0, count: 2 },
      { column: 1, row: 1, count: 1 },
    ],
  ])
  expect(groups.map(({ grid }) => grid.max)).toEqual([8, 8])
})

test('a histogram without groups has one unnamed heat map', () => {
  const groups = bucketGroups(response([series(undefined, '1', [1]), series(undefined, '+Inf', [1])]))
  expect(groups.map(({ name, grid }) => [name, grid.rows])).toEqual([['', 2]])
})
