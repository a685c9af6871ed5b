import { ROOT_CONTEXT, context } from '@opentelemetry/api'
import type { Attributes, AttributeValue } from '@opentelemetry/api'
import { safely } from '../core/diagnostics.ts'
import { getErrorType } from '../core/span/errors.ts'
import { findLogger } from './loggers.ts'
import type { Logger } from './loggers.ts'
import { setServerAttributes } from '../core/source.ts'
import type { MessageSource, ServerAddress } from '../core/source.ts'
import type { Instrumentation } from '../core/instrumentation.ts'

/**
 * What happens to one client that is no operation on messages, as log records. Nothing here throws;
 * docs/kafka/events.md lists the records.
 */
export interface ClientEvents {
  /** The group's partitions are about to be assigned anew. */
  emitRebalance(details?: GroupDetails & { readonly reason?: string | undefined }): void
  /** All that the member has from now on: what that changes is told. */
  replaceAssignment(partitions: readonly TopicPartition[], details?: GroupDetails): void
  /** What the member has in addition. */
  assignPartitions(partitions: readonly TopicPartition[], details?: GroupDetails): void
  /** What the member has no longer. `isLost`: somebody else may have had it for a while. */
  revokePartitions(partitions: readonly TopicPartition[], details?: GroupDetails & { readonly isLost?: boolean }): void
  /** The consumer stopped as it was asked to, with all it had: that nobody needs to be told. */
  clearAssignment(): void
  /** The consumer stopped for an error. `restarts` where the client tells. */
  emitCrash(error: unknown, restarts?: boolean): void
  emitCommitFailure(error: unknown, topic?: string): void
  /** The broker made the client wait, to keep it within its quota. */
  emitThrottle(broker: ServerAddress, seconds: number, requestName?: string): void
  /** An error that belongs to no operation. After a fatal one the client does nothing more. */
  emitError(error: unknown, isFatal: boolean): void
}

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** What the client tells of the group's membership. */
export interface GroupDetails {
  readonly memberId?: string | null | undefined
  /** Of the classic protocol; the member's epoch of the newer one. */
  readonly generation?: number | undefined
  readonly isLeader?: boolean | undefined
  /** How long the member was joining. */
  readonly joinSeconds?: number | undefined
}

type Identity = Pick<MessageSource, 'clientId' | 'groupId'>

/**
 * Whether anybody takes the events of `instrumentation` now. Adapters ask before they listen to a client
 * for events only.
 */
export function hasLogger(instrumentation: Instrumentation): boolean {
  const options = instrumentation.getTracing()?.options
  let logger: Logger | undefined
  if (options?.events) safely('find a logger', () => (logger = findLogger(options.loggerProvider)))
  return logger !== undefined
}

/**
 * @param identity read when there is something to tell, so what the client learns later may be a
 *   getter
 */
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
      const gone = [...held].flatMap(([name, one]) => (now.has(name) ? [] : [one]))
      if (gone.length > 0) events.revokePartitions(gone, details)
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
// In the context of whoever commits: a process span, if there is one. The others belong to no
// operation, and a loop inherits the context that it was started in for ever.
const COMMIT_FAILED = { name: 'kafka.consumer.commit.failed', severity: 'WARN', isAmbient: true } as const
const THROTTLED = { name: 'kafka.client.throttled', severity: 'WARN' } as const
const FAILED = { name: 'kafka.client.error', severity: 'WARN' } as const
const FATAL = { name: 'kafka.client.error', severity: 'FATAL' } as const

// As the specification numbers them:
// https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber
const SEVERITY_NUMBERS = { INFO: 9, WARN: 13, ERROR: 17, FATAL: 21 } as const

/** A member of a large group may have thousands; that many names are enough to see what moved. */
const MAX_PARTITIONS = 100

interface EventKind {
  readonly name: string
  readonly severity: keyof typeof SEVERITY_NUMBERS
  readonly isAmbient?: boolean
}

type OwnAttributes = Readonly<Record<string, AttributeValue | undefined>>

/** What has a name in the conventions. */
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

/** As Kafka itself writes it. */
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
