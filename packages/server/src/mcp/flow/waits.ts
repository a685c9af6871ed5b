import type { FlowEdge, FlowResponse, MissingConsumer } from '@spanlink/api-schema'
import { isRetryOrDeadLetterTopic, isRetryTopic } from '../../query/messages/retries/topic-roles.ts'
import { formatCount, formatDuration, joinFacts } from '../text/format.ts'
import { quote } from '../text/quote.ts'
import { formatRecord, formatSpanIds } from '../text/record.ts'

const MAX_MISSING = 20

/** Queue times by topic and group, longest first. */
export function formatWaits({ edges }: FlowResponse): readonly string[] {
  const waits = edges.filter(({ role, queueTimeNano }) => role === 'message' && queueTimeNano !== null)
  const groups = [...Map.groupBy(waits, ({ topic, consumerGroup }) => JSON.stringify([topic, consumerGroup])).values()]
  const rows = groups.map((of) => {
    const times = of.map(({ queueTimeNano }) => Number(queueTimeNano)).sort((a, b) => a - b)
    const skewed = times.filter((time) => time < 0).length
    const [first] = of
    const text = joinFacts([
      `topic ${quote(first?.topic ?? '')}${first?.consumerGroup ? ` by group ${quote(first.consumerGroup)}` : ''}: ${formatCount(of.length, 'message')}`,
      `longest ${formatDuration(times.at(-1) ?? 0)}`,
      of.length > 1 && `median ${formatDuration(times[Math.floor(times.length / 2)] ?? 0)}`,
      of.some(({ onCriticalPath }) => onCriticalPath) && 'on the critical path',
      skewed > 0 && `${skewed} negative (clock skew)`,
    ])
    return { longest: times.at(-1) ?? 0, text }
  })
  if (rows.length === 0) return []
  return [
    'Queue times by topic and group:',
    ...rows.sort((a, b) => b.longest - a.longest).map(({ text }) => `  ${text}`),
  ]
}

/** Groups that read a topic and have not consumed messages of the flow, longest wait first. */
export function formatMissingConsumers({ missingConsumers }: FlowResponse): readonly string[] {
  if (missingConsumers.length === 0) return []
  const groups = Map.groupBy(missingConsumers, ({ cluster, topic, consumerGroup }) =>
    JSON.stringify([cluster, topic, consumerGroup]),
  )
  const sorted = Array.from(groups.values(), (of) => of.toSorted((a, b) => Number(b.waitNano) - Number(a.waitNano)))
    .map(([oldest, ...others]) => ({ oldest, count: others.length + 1 }))
    .sort((a, b) => Number(b.oldest?.waitNano) - Number(a.oldest?.waitNano))
  const shown = sorted.slice(0, MAX_MISSING)
  return [
    'Missing consumers (a group that reads the topic has not consumed a message):',
    ...shown.map(({ oldest, count }) => (oldest === undefined ? '' : `  ${formatMissing(oldest, count)}`)),
    ...(sorted.length > shown.length ? [`  and ${sorted.length - shown.length} more topics and groups`] : []),
  ]
}

function formatMissing(
  { topic, partition, offset, cluster, consumerGroup, producer, waitNano }: MissingConsumer,
  count: number,
): string {
  return joinFacts([
    `topic ${quote(topic)} not consumed by group ${quote(consumerGroup)}: ${formatCount(count, 'message')}`,
    `${count > 1 ? 'the oldest ' : ''}waiting for ${formatDuration(waitNano)}`,
    formatRecord({ partition, offset, cluster }),
    `sent by ${formatSpanIds(producer.traceId, producer.spanId)}`,
  ])
}

/** Retry and dead-letter topics on the way, and messages that a group processed more than once. */
export function formatRetries({ edges }: FlowResponse): readonly string[] {
  const messages = edges.filter(({ role }) => role === 'message')
  const topics = [...Map.groupBy(messages, ({ topic }) => topic)].flatMap(([topic, of]) => {
    if (!isRetryOrDeadLetterTopic(topic)) return []
    const what = isRetryTopic(topic) ? 'retry' : 'dead-letter'
    return [`  ${formatCount(of.length, 'message')} over ${what} topic ${quote(topic)}`]
  })
  const repeated = [...Map.groupBy(messages.filter(isAttempt), toDelivery).values()].filter((of) => of.length > 1)
  const deliveries = repeated.slice(0, MAX_MISSING).map(([first, ...others]) => {
    const { topic = '', partition = '', offset = '', consumerGroup = '' } = first ?? {}
    return `  ${formatRecord({ topic, partition, offset })} processed ${others.length + 1} times by group ${quote(consumerGroup)}`
  })
  const lines = [...topics, ...deliveries]
  return lines.length === 0 ? [] : ['Retries and redeliveries:', ...lines]
}

function isAttempt({ to, consumerGroup, offset }: FlowEdge): boolean {
  return to.laneId !== null && consumerGroup !== '' && offset !== ''
}

function toDelivery({ from, topic, partition, offset, consumerGroup }: FlowEdge): string {
  return JSON.stringify([from.traceId, from.spanId, topic, partition, offset, consumerGroup])
}
