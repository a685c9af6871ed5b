import { describe, type Message, MessageList, type MessageSpan, type MessagesResponse } from '@spanlink/api-schema'
import { Type } from 'typebox'
import { countArgument, durationArgument, nameArgument } from '../input/shared.ts'
import { resolveWindow, timeArguments } from '../input/time-window.ts'
import { formatCount, formatDuration, formatTime, joinFacts } from '../text/format.ts'
import { quote } from '../text/quote.ts'
import { formatRecord, formatSpanIds } from '../text/record.ts'
import { formatSearched } from '../text/searched.ts'
import { defineTool } from '../tool.ts'
import { ToolError } from '../tool-error.ts'

const DEFAULT_LIMIT = 20
const MAX_LIMIT = 100
/** Read for a filter by service, which the API does not have. */
const MAX_READ = 500
const MAX_ATTEMPTS = 12
/** Groups of an unconsumed message, and lines of counts by topic and group. */
const MAX_GROUPS = 12

export const findMessages = defineTool({
  name: 'find_messages',
  title: 'Find messages',
  description:
    'Messages that are unconsumed (stuck: a group that reads the topic has not consumed them), late, retried, redelivered or dead-lettered, newest first, with each attempt and its error. Continue with get_flow.',
  arguments: {
    kind: describe(
      'unconsumed: sent and not consumed by a group that reads the topic. late: long queue time. retried: tried again after a failure. redelivered: delivered more than once. dead-lettered: sent to a dead-letter topic.',
      MessageList,
    ),
    topic: nameArgument('Topic, exact.', 1024),
    consumerGroup: nameArgument('Consumer group, exact.', 1024),
    service: nameArgument('Service that sent or processed the message, exact.'),
    neverConsumed: Type.Optional(
      Type.Boolean({ description: 'Only for unconsumed: messages that no group at all has consumed.' }),
    ),
    minQueueTime: durationArgument('Only for unconsumed (default "1m") and late (default "10s").'),
    limit: countArgument(MAX_LIMIT, DEFAULT_LIMIT, 'Messages to list.'),
    ...timeArguments,
  },
  run: async ({ kind, topic, consumerGroup, service, neverConsumed, minQueueTime, ...args }, context) => {
    const { limit = DEFAULT_LIMIT } = args
    if (neverConsumed !== undefined && kind !== 'unconsumed')
      throw new ToolError('neverConsumed is only for kind "unconsumed".')
    if (minQueueTime !== undefined && kind !== 'unconsumed' && kind !== 'late')
      throw new ToolError('minQueueTime is only for kinds "unconsumed" and "late".')
    const { start, end, last } = resolveWindow(args, context.nowMs)
    const found = await context.read<MessagesResponse>(`/api/messages/${kind}`, {
      topic,
      consumerGroup,
      neverConsumed,
      minQueueTime,
      start,
      end,
      limit: service === undefined ? limit : MAX_READ,
    })
    const matching = service === undefined ? found.messages : found.messages.filter((one) => isOfService(one, service))
    const messages = matching.slice(0, limit)
    const [first] = messages
    const isFull = messages.length >= limit && (matching.length > limit || found.nextCursor !== undefined)
    const total = service === undefined ? found.total : matching.length
    return {
      headline:
        first === undefined
          ? `No ${kind} message found${found.complete ? '' : ' in the part that was searched'}.`
          : `${formatTotal(messages.length, total, found.complete)} ${kind}, ${summarize(messages, kind)}.`,
      lines: [...formatGroups(messages, kind), ...groupByRecord(messages).flatMap((of) => formatMessages(of, kind))],
      footer: [
        formatSearched(found, isFull),
        `Page: ${context.pageUrl('messages', { list: kind, topic, group: consumerGroup, never: neverConsumed === true ? '1' : undefined, after: minQueueTime, last })}`,
        first === undefined
          ? 'Next: widen since, try another kind, or get_topology for lag of groups.'
          : `Next: get_flow with traceId "${first.traceId}" and spanId "${first.spanId}"${found.complete ? '' : ', or get_topology for the lag of all groups'}.`,
      ],
      narrow: 'filter by topic or consumerGroup, or lower limit',
    }
  },
})

/** A search that stopped early has counted the messages of a part of the range only. */
function formatTotal(listed: number, total: number, isComplete: boolean): string {
  if (isComplete && total <= listed) return formatCount(total, 'message')
  const known = total.toLocaleString('en')
  return `${listed} newest of ${isComplete ? known : `at least ${known}`}`
}

function isOfService({ producer, attempts, deadLetter }: Message, service: string): boolean {
  return [producer, deadLetter, ...attempts].some((span) => span?.service === service)
}

/** The topic and group with the most listed messages, and the longest wait. */
function summarize(messages: readonly Message[], kind: MessageList): string {
  const longest = messages.reduce((max, { waitNano }) => (BigInt(waitNano) > max ? BigInt(waitNano) : max), 0n)
  const groups = groupMessages(messages)
  const [[, worst = []] = []] = groups
  const share = groups.length > 1 ? `${worst.length} of ` : 'of '
  return `${share}${formatTopicGroup(worst[0], kind)}, longest of the listed: ${WAITS[kind]} ${formatDuration(longest)}`
}

function groupMessages(messages: readonly Message[]): readonly (readonly [string, readonly Message[]])[] {
  const groups = Map.groupBy(messages, ({ topic, consumerGroup }) => JSON.stringify([topic, consumerGroup]))
  return [...groups].sort(([, a], [, b]) => b.length - a.length)
}

function formatTopicGroup(message: Message | undefined, kind: MessageList): string {
  const { topic = '', consumerGroup = '' } = message ?? {}
  return `topic ${quote(topic)}${consumerGroup === '' ? '' : ` ${describeGroup(kind)} ${quote(consumerGroup)}`}`
}

function describeGroup(kind: MessageList): string {
  return kind === 'unconsumed' ? 'not consumed by group' : 'by group'
}

function formatGroups(messages: readonly Message[], kind: MessageList): readonly string[] {
  const groups = groupMessages(messages)
  if (groups.length < 2) return []
  return [
    'By topic and group, of the listed:',
    ...groups.slice(0, MAX_GROUPS).map(([, of]) => `  ${of.length} × ${formatTopicGroup(of[0], kind)}`),
    ...(groups.length > MAX_GROUPS ? [`  and ${groups.length - MAX_GROUPS} more topics and groups`] : []),
  ]
}

const WAITS: Readonly<Record<MessageList, string>> = {
  unconsumed: 'waiting for',
  late: 'queue time',
  redelivered: 'time to the last delivery',
  retried: 'time to the last attempt',
  'dead-lettered': 'time to the last attempt',
}

/** An unconsumed message is listed once for each group: these are printed together. */
function groupByRecord(messages: readonly Message[]): readonly (readonly Message[])[] {
  const keys = Map.groupBy(messages, ({ traceId, spanId, partition, offset, attempts }, at = 0) =>
    attempts.length > 0 ? at : JSON.stringify([traceId, spanId, partition, offset]),
  )
  return [...keys.values()]
}

/** @param all of the same record */
function formatMessages(all: readonly Message[], kind: MessageList): readonly string[] {
  const [message] = all
  if (message === undefined) return []
  const { producer, attempts, deadLetter, waitNano, traceId, spanId } = message
  const groups = all.map(({ consumerGroup }) => consumerGroup).filter((group) => group !== '')
  const named = groups
    .slice(0, MAX_GROUPS)
    .map((group) => quote(group))
    .join(' ')
  const shown = attempts.length > MAX_ATTEMPTS ? attempts.slice(0, MAX_ATTEMPTS) : attempts
  return [
    joinFacts([
      `${formatTime(message.timeUnixNano)} ${formatRecord(message)}`,
      groups.length > 0 &&
        `${describeGroup(kind)} ${named}${groups.length > MAX_GROUPS ? ` and ${groups.length - MAX_GROUPS} more` : ''}`,
      `${WAITS[kind]} ${formatDuration(waitNano)}`,
      formatSpanIds(traceId, spanId),
    ]),
    producer === null ? '  sent by a span that is not stored' : `  sent ${formatAttempt(producer, message)}`,
    ...shown.map(
      (span, at) => `  ${attempts.length > 1 ? `attempt ${at + 1}` : 'consumed'} ${formatAttempt(span, message)}`,
    ),
    ...(attempts.length > shown.length ? [`  and ${attempts.length - shown.length} more attempts`] : []),
    ...(deadLetter === undefined
      ? []
      : [`  dead-lettered ${formatAttempt(deadLetter, message)} to topic ${quote(deadLetter.topic)}`]),
  ]
}

/** Without ids where they are those of the message. */
function formatAttempt(span: MessageSpan, { traceId, spanId }: Message): string {
  const error = [span.errorType, span.errorMessage].filter(Boolean).map((text) => quote(text))
  return joinFacts([
    `${formatTime(span.startTimeUnixNano)} by ${quote(span.service)} ${quote(span.name)}`,
    `took ${formatDuration(BigInt(span.endTimeUnixNano) - BigInt(span.startTimeUnixNano))}`,
    span.topic !== '' && span.kind !== 'producer' && `from topic ${quote(span.topic)}`,
    span.queueTimeNano !== null && `queue time ${formatDuration(span.queueTimeNano)}`,
    span.status === 'error' || error.length > 0 ? `ERROR ${error.join(': ')}`.trimEnd() : '',
    (span.traceId !== traceId || span.spanId !== spanId) && formatSpanIds(span.traceId, span.spanId),
  ])
}
