import type { Random } from '@spanlink/testkit/otlp'
import { toHex } from './encode-spans.ts'
import type { Dataset } from './load.ts'
import { specialTraceIds } from './special-traces.ts'
import {
  countSpans,
  generateOrder,
  SERVICES,
  SPANS_PER_ORDER,
  tenant,
  TENANTS,
  TOPICS,
  traceIdOf,
  userOf,
} from './traffic.ts'

export type Query = {
  readonly name: string
  /** Path of the next request, from the same random numbers in every run. */
  readonly path: (random: Random) => string
  /** Numbers of traces, spans, links or lanes that a response may have. */
  readonly results?: readonly [min: number, max: number]
}

export const HOUR_NANO = 3_600_000_000_000n
const LIMIT = 20

/** @param extraNano added to the end of the data, while more is sent */
export function createQueries(dataset: Dataset, extraNano = 0n) {
  const { traffic, orders, endNano } = dataset
  const windowEnd = endNano + 60_000_000_000n + extraNano
  const everything = `start=${traffic.startNano}&end=${windowEnd}`
  const lastHour = `start=${endNano - HOUR_NANO}&end=${windowEnd}`
  const randomOrder = (random: Random): number => below(random, orders)
  /** The hour of the data that has this order. */
  const hourOf = (order: number): string => {
    const hour = BigInt(Math.floor((order * traffic.orderIntervalNano) / Number(HOUR_NANO)))
    const from = traffic.startNano + hour * HOUR_NANO
    return from + HOUR_NANO >= endNano ? `start=${from}&end=${windowEnd}` : `start=${from}&end=${from + HOUR_NANO}`
  }
  const search = (range: string, filter: string): string =>
    `/api/traces?limit=${LIMIT}&${range}&q=${encodeURIComponent(`{ ${filter} }`)}`
  const isUser = (order: number): string => `span.user.id = "${userOf(traffic, order)}"`
  const isTenant = (random: Random): string => `span.app.tenant = "${tenant(below(random, TENANTS))}"`
  const isService = (service: string): string => `resource.service.name = "${service}"`
  /** An order, and a service with one to four spans of its user. */
  const rare = (random: Random): readonly [order: number, service: string] => {
    for (;;) {
      const order = randomOrder(random)
      const { service } = generateOrder(traffic, order)[below(random, SPANS_PER_ORDER)] as { readonly service: string }
      if (countSpans(traffic, orders, order, service) <= 4) return [order, service]
    }
  }
  const few = [1, 4] as const
  const many = [1, LIMIT] as const

  /** The table of peers. */
  const compared: readonly Query[] = [
    {
      name: 'trace by id',
      path: (random) => `/api/traces/${toHex(traceIdOf(randomOrder(random), below(random, 4)))}`,
      results: [8, 8],
    },
    {
      name: 'search service + attribute, 1–4 matches',
      path: (random) => {
        const [order, service] = rare(random)
        return search(hourOf(order), `${isService(service)} && ${isUser(order)}`)
      },
      results: few,
    },
    {
      name: 'search service + attribute, hundreds of matches, limit 20',
      path: (random) => {
        const service = `service-${below(random, SERVICES)}`
        return search(hourOf(randomOrder(random)), `${isService(service)} && ${isTenant(random)}`)
      },
      results: many,
    },
    {
      name: 'search attribute, no service, 32–64 matches',
      path: (random) => {
        const order = randomOrder(random)
        return search(hourOf(order), isUser(order))
      },
      results: [4, 8],
    },
    {
      name: 'search attribute, no service, thousands of matches, limit 20',
      path: (random) => search(hourOf(randomOrder(random)), isTenant(random)),
      results: many,
    },
    {
      name: 'backlinks of a span',
      path: (random) => {
        for (;;) {
          const order = randomOrder(random)
          const link = generateOrder(traffic, order)[below(random, SPANS_PER_ORDER)]?.links[0]
          if (link === undefined) continue
          return `/api/traces/${toHex(link.traceId)}/links?direction=in&spanId=${toHex(link.spanId)}`
        }
      },
      results: [1, 100],
    },
  ]

  const messages = (['unconsumed', 'late', 'redelivered', 'retried', 'dead-lettered'] as const).flatMap(
    (list): readonly Query[] => {
      const path = `/api/messages/${list}?${lastHour}`
      return [
        { name: `messages ${list}`, path: () => path },
        { name: `messages ${list}, a topic`, path: (random) => `${path}&topic=topic-${below(random, TOPICS)}` },
        {
          name: `messages ${list}, a group`,
          path: (random) => `${path}&consumerGroup=group-${below(random, TOPICS)}-1`,
        },
      ]
    },
  )

  const { spans100k, spans1k, links1k, flow } = specialTraceIds
  const large: readonly Query[] = [
    ...compared,
    {
      name: 'attribute, all hours',
      path: (random) => search(everything, isUser(randomOrder(random))),
      results: [4, 8],
    },
    {
      name: 'attribute of span or resource, all hours',
      path: (random) => search(everything, `.user.id = "${userOf(traffic, randomOrder(random))}"`),
      results: [4, 8],
    },
    {
      name: 'attribute, all hours, no match',
      path: (random) => search(everything, `span.user.id = "unknown-${below(random, 1e9)}"`),
      results: [0, 0],
    },
    {
      name: 'service, operation, duration, an hour',
      path: (random) => {
        const service = `service-${below(random, SERVICES)}`
        return `/api/traces?limit=${LIMIT}&${hourOf(randomOrder(random))}&service=${service}&operation=operation-${below(random, 12)}&minDuration=40ms`
      },
    },
    { name: 'names of services', path: () => '/api/services' },
    {
      name: 'names of spans of a service',
      path: (random) => `/api/operations?service=service-${below(random, SERVICES)}`,
    },
    {
      name: 'page of 1,000 links',
      path: (random) => `/api/traces/${pick(random, links1k)}/links?direction=out&limit=1000`,
      results: [1000, 1000],
    },
    { name: 'trace of 1,000 spans', path: (random) => `/api/traces/${pick(random, spans1k)}`, results: [1000, 1000] },
    { name: 'trace of 1,000 spans, skeleton', path: (random) => `/api/traces/${pick(random, spans1k)}/skeleton` },
    { name: 'trace of 100,000 spans', path: () => `/api/traces/${spans100k}`, results: [50_000, 100_000] },
    { name: 'trace of 100,000 spans, skeleton', path: () => `/api/traces/${spans100k}/skeleton` },
    { name: 'flow of 200 traces, 2,000 links', path: () => `/api/flows/${flow}`, results: [200, 200] },
    { name: 'topology of an hour', path: () => `/api/topology?${lastHour}` },
    ...messages,
  ]
  return { compared, large }
}

function below(random: Random, limit: number): number {
  return Math.floor(random() * limit)
}

function pick<T>(random: Random, list: readonly T[]): T {
  return list[below(random, list.length)] as T
}
