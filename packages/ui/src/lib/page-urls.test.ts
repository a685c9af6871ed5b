import { expect, test } from 'vitest'
import { parseFlowUrl, flowUrl } from '../flow/flow-url.ts'
import { messagesPath, parseMessagesUrl, messagesUrl } from '../messages/messages-url.ts'
import { parseRoute } from '../app/route.ts'
import { topologyPath, parseTopologyUrl, topologyUrl } from '../topology/topology-url.ts'

const TRACE = 'ab'.repeat(16)

test('a flow URL is parsed back into its lane, edge or span', () => {
  const other = { traceId: 'cd'.repeat(16), spanId: 'ef'.repeat(8) }
  for (const target of [
    { lane: `${TRACE}-${other.spanId}` },
    { edge: 'an edge/with?marks&' },
    { span: other },
    { span: { traceId: TRACE, spanId: other.spanId }, end: other.spanId, view: 'graph' as const },
    { lane: TRACE, joined: true },
  ]) {
    const url = new URL(flowUrl(TRACE, target), 'http://localhost')
    expect(parseRoute({ path: url.pathname, search: url.search })).toMatchObject({ page: 'flow', traceId: TRACE })
    expect(parseFlowUrl(TRACE, url.search)).toMatchObject(target)
  }
  expect(flowUrl(TRACE)).toBe(`flow/${TRACE}`)
})

test('a topology URL is parsed back into its state, and invalid values into defaults', () => {
  const pageState = parseTopologyUrl(
    new URLSearchParams('last=6h&q=a%26b&errors=1&focus=service:x&reach=6&node=topic:k:y'),
  )
  const url = new URL(topologyUrl(pageState), 'http://localhost')
  expect(parseTopologyUrl(url.searchParams)).toEqual(pageState)
  expect(parseTopologyUrl(new URLSearchParams('last=9y&reach=-4'))).toMatchObject({ last: '1h', reach: 1 })
  expect(topologyPath(pageState, 21_600_001)).toBe('api/topology?start=1000000')
})

test('a messages URL is parsed back into its state, and an invalid list into the default', () => {
  const pageState = parseMessagesUrl(new URLSearchParams('list=late&topic=a%2Fb&group=g&after=500&last=24h&limit=100'))
  const url = new URL(messagesUrl(pageState), 'http://localhost')
  expect(parseMessagesUrl(url.searchParams)).toEqual(pageState)
  expect(messagesPath(pageState, 86_400_000)).toBe(
    'api/messages/late?start=0000000&limit=100&topic=a%2Fb&consumerGroup=g&minQueueTime=500ms',
  )
  expect(parseMessagesUrl(new URLSearchParams('list=../status'))).toMatchObject({ list: 'dead-lettered' })
})
