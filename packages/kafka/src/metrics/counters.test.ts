import type { Attributes, Observable, ObservableCallback } from '@opentelemetry/api'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MAX_SERIES, createCounterSet } from './counters.ts'

function instrument(): { readonly observable: Observable; observed(): [Attributes | undefined, number][] } {
  const callbacks: ObservableCallback[] = []
  return {
    observable: { addCallback: (callback) => void callbacks.push(callback), removeCallback() {} },
    observed() {
      const seen: [Attributes | undefined, number][] = []
      for (const callback of callbacks) {
        void callback({ observe: (value, attributes) => void seen.push([attributes, value]) })
      }
      return seen
    },
  }
}

test('counts under equal attributes in any key order are summed in one series', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.nat())), (attributes) => {
      const { observable, observed } = instrument()
      const counted = createCounterSet(observable)
      counted.get(attributes).value += 1
      counted.get(Object.fromEntries(Object.entries(attributes).toReversed())).value += 2
      expect(observed()).toEqual([[attributes, 3]])
    }),
  )
})

test('attribute values of different types make different series', () => {
  const { observable, observed } = instrument()
  const counted = createCounterSet(observable)
  counted.get({ port: 1 }).value += 1
  counted.get({ port: '1' }).value += 1
  expect(observed()).toHaveLength(2)
})

test('beyond the series limit new series are counted in the overflow series and existing ones still count', () => {
  const { observable, observed } = instrument()
  const counted = createCounterSet(observable)
  for (let i = 0; i < MAX_SERIES + 10; i += 1) counted.get({ i }).value += 1
  counted.get({ i: 0 }).value += 1
  const seen = observed()
  expect(seen).toHaveLength(MAX_SERIES + 1)
  expect(seen[0]).toEqual([{ i: 0 }, 2])
  expect(seen.at(-1)).toEqual([{ 'otel.metric.overflow': true }, 10])
})

test('a beforeCollection callback updates its counter before each collection', () => {
  const { observable, observed } = instrument()
  const counted = createCounterSet(observable)
  counted.beforeCollection(() => (counted.get({}).value += 5))
  expect(observed()).toEqual([[{}, 5]])
  expect(observed()).toEqual([[{}, 10]])
})
