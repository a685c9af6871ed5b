import { ROOT_CONTEXT, context, type Attributes, type AttributeValue } from '@opentelemetry/api'
import { safely } from '../core/diagnostics.ts'
import { getErrorType } from '../core/span/errors.ts'
import { findLogger, type Logger } from './loggers.ts'
import { setServerAttributes, type MessageSource, type ServerAddress } from '../core/source.ts'
import type { Instrumentation } from '../core/instrumentation.ts'

/**
 * Emits log records of one client beside its operations on messages; docs/kafka/events.md lists
 * them. Nothing here throws.
 */
export interface ClientEvents {
  /** The group starts to assign its partitions again. */
  emitRebalance(details?: GroupDetails & { readonly reason?: string | undefined }): void
  /** Replaces the assignment; emits the differences. */
  replaceAssignment(partitions: readonly TopicPartition[], details?: GroupDetails): void
  /** Adds partitions to the assignment. */
  assignPartitions(partitions: readonly TopicPartition[], details?: GroupDetails): void
  /** Removes partitions. `isLost`: another member may already have consumed them. */
  revokePartitions(partitions: readonly TopicPartition[], details?: GroupDetails & { readonly isLost?: boolean }): void
  /** Clears the assignment after a graceful stop; emits nothing. */
  clearAssignment(): void
  /** The consumer stopped with an error. `restarts` if the client reports it. */
  emitCrash(error: unknown, restarts?: boolean): void
  emitCommitFailure(error: unknown, topic?: string): void
  /** The broker throttled the client by a quota. */
  emitThrottle(broker: ServerAddress, seconds: number, requestName?: string): void
  /** An error outside of operations; a fatal one ends the client. */
  emitError(error: unknown, isFatal: boolean): void
}

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** The group membership, as far as the client reports it. */
export interface GroupDetails {
  readonly memberId?: string | null | undefined
  /** The generation in the classic protocol, the member's epoch in the newer one. */
  readonly generation?: number | undefined
  readonly isLeader?: boolean | undefined
  /** The time it took to join, in seconds. */
  readonly joinSeconds?: number | undefined
}

type Identity = Pick<MessageSource, 'clientId' | 'groupId'>

/** Whether a logger is registered; otherwise adapters add no listeners. */
export function hasLogger(instrumentation: Instrumentation): boolean {
  const options = instrumentation.getTracing()?.options
  let logger: Logger | undefined
  if (options?.events) safely('find a logger', () => (logger = findLogger(options.loggerProvider)))
  return logger !== undefined
}

/** @param identity is read for each record, so its fields may be getters */
export function createClientEvents(instrumentation: Instrumentation, identity: Identity): ClientEvents {
  const held = new Map<string, TopicPartition>()
  const emitSafely = (event: EventKind, body: string, own: OwnAttributes, conventional?: Conventional): void => {
    safely(`log ${event.name}`, () => emit(instrumentation, identity, event, body, own, conventional))
  }
  const addGroup = (text: string): string => {
    const { groupId } = identity
    return groupId === undefined ? text : `${text} (group ${groupId})`
  }
  const emitPartitions = (
    event: EventKind,
    verb: string,
    partitions: readonly TopicPartition[],
    details: GroupDetails | undefined,
  ): void =>
    emitSafely(event, addGroup(`${formatCount(partitions.length, 'partition')} ${verb}, ${held.size} held`), {
      ...createGroupAttributes(details),
      'kafka.consumer.partitions': partitions.slice(0, MAX_PARTITIONS).map(formatTopicPartition),
      'kafka.consumer.partitions.changed': partitions.length,
      'kafka.consumer.partitions.held': held.size,
    })
  const events: ClientEvents = {
    emitRebalance: (details) =>
      emitSafely(REBALANCE, addGroup('rebalance'), {
        ...createGroupAttributes(details),
        'kafka.consumer.rebalance.reason': details?.reason || undefined,
      }),
    replaceAssignment(partitions, details) {
      const now = new Map(partitions.map((one) => [formatTopicPartition(one), one]))
      const revoked = [...held].flatMap(([name, one]) => (now.has(name) ? [] : [one]))
      if (revoked.length > 0) events.revokePartitions(revoked, details)
      events.assignPartitions(
        partitions.filter((one) => !held.has(formatTopicPartition(one))),
        details,
      )
    },
    assignPartitions(partitions, details) {
      for (const one of partitions) held.set(formatTopicPartition(one), one)
      emitPartitions(ASSIGNED, 'assigned', partitions, details)
    },
    revokePartitions(partitions, details) {
      for (const one of partitions) held.delete(formatTopicPartition(one))
      const isLost = details?.isLost ?? false
      emitPartitions(isLost ? LOST : REVOKED, isLost ? 'lost' : 'revoked', partitions, details)
    },
    clearAssignment: () => held.clear(),
    emitCrash(error, restarts) {
      held.clear()
      const own = { ...createErrorAttributes(error), 'kafka.consumer.restarts': restarts }
      emitSafely(CRASH, addGroup(`the consumer stopped: ${getErrorMessage(error)}`), own, { error })
    },
    emitCommitFailure: (error, topic) =>
      emitSafely(COMMIT_FAILED, addGroup(`a commit failed: ${getErrorMessage(error)}`), createErrorAttributes(error), {
        error,
        topic,
      }),
    emitThrottle(server, seconds, requestName) {
      const own = { 'kafka.throttle.duration': seconds, 'kafka.request.name': requestName }
      emitSafely(THROTTLED, `throttled for ${Math.round(seconds * 1000)} ms by ${server.address}:${server.port}`, own, {
        server,
      })
    },
    emitError: (error, isFatal) =>
      emitSafely(isFatal ? FATAL : FAILED, getErrorMessage(error), createErrorAttributes(error), { error }),
  }
  return events
}

// Names are ours: the conventions have no events of messaging clients (1.45).
const REBALANCE = { name: 'kafka.consumer.rebalance', severity: 'INFO' } as const
const ASSIGNED = { name: 'kafka.consumer.partitions.assigned', severity: 'INFO' } as const
const REVOKED = { name: 'kafka.consumer.partitions.revoked', severity: 'INFO' } as const
const LOST = { name: 'kafka.consumer.partitions.lost', severity: 'WARN' } as const
const CRASH = { name: 'kafka.consumer.crash', severity: 'ERROR' } as const
// Emitted in the context of the commit, such as a process span. Other events have no context: loops
// inherit the one they were started in for ever.
const COMMIT_FAILED = { name: 'kafka.consumer.commit.failed', severity: 'WARN', isAmbient: true } as const
const THROTTLED = { name: 'kafka.client.throttled', severity: 'WARN' } as const
const FAILED = { name: 'kafka.client.error', severity: 'WARN' } as const
const FATAL = { name: 'kafka.client.error', severity: 'FATAL' } as const

// https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber
const SEVERITY_NUMBERS = { INFO: 9, WARN: 13, ERROR: 17, FATAL: 21 } as const

/** Limits the attribute of members with thousands of partitions. */
const MAX_PARTITIONS = 100

interface EventKind {
  readonly name: string
  readonly severity: keyof typeof SEVERITY_NUMBERS
  readonly isAmbient?: boolean
}

type OwnAttributes = Readonly<Record<string, AttributeValue | undefined>>

/** Attributes with a name in the conventions. */
interface Conventional {
  readonly error?: unknown
  readonly topic?: string | undefined
  readonly server?: ServerAddress
}

function emit(
  instrumentation: Instrumentation,
  identity: Identity,
  { name, severity, isAmbient = false }: EventKind,
  body: string,
  own: OwnAttributes,
  conventional: Conventional = {},
): void {
  const tracing = instrumentation.getTracing()
  if (!tracing?.options.events) return
  const { names, options } = tracing
  const logger = findLogger(options.loggerProvider)
  if (logger === undefined) return
  const attributes: Attributes = {}
  names.put(attributes, 'system', 'kafka')
  names.put(attributes, 'consumerGroup', identity.groupId)
  names.put(attributes, 'clientId', identity.clientId ?? options.clientId)
  names.put(attributes, 'destination', conventional.topic)
  setServerAttributes(names, attributes, conventional)
  if ('error' in conventional) names.put(attributes, 'errorType', getErrorType(conventional.error))
  for (const [key, value] of Object.entries(own)) if (value !== undefined) attributes[key] = value
  logger.emit({
    eventName: name,
    severityNumber: SEVERITY_NUMBERS[severity],
    severityText: severity,
    body,
    attributes,
    context: isAmbient ? context.active() : ROOT_CONTEXT,
  })
}

/** Formats `topic-partition`, as Kafka does. */
function formatTopicPartition({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`
}

function createGroupAttributes(details: GroupDetails | undefined): OwnAttributes {
  return {
    'kafka.consumer.member.id': details?.memberId || undefined,
    'kafka.consumer.generation': details?.generation,
    'kafka.consumer.is_leader': details?.isLeader,
    'kafka.consumer.group_join.duration': details?.joinSeconds,
  }
}

// https://opentelemetry.io/docs/specs/semconv/exceptions/exceptions-logs/
function createErrorAttributes(error: unknown): OwnAttributes {
  if (!(error instanceof Error)) return { 'exception.message': getErrorMessage(error) }
  return {
    'exception.type': error.name,
    'exception.message': error.message,
    'exception.stacktrace': error.stack,
  }
}

function formatCount(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

function getErrorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
