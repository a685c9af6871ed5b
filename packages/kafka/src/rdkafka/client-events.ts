import { safely } from '../core/diagnostics.ts'
import { createClientEvents, hasLogger, type ClientEvents, type TopicPartition } from '../events/events.ts'
import type { Instrumentation } from '../core/instrumentation.ts'
import type { ClientSettings } from './settings.ts'
import { parseBroker } from '../core/clients/broker-address.ts'
import { getCommonTopic } from '../core/clients/settlement.ts'
import { getErrorCodeName, withErrorType } from './errors.ts'
import { interceptEvents, type EventInterceptor } from './intercept-events.ts'
import type { RdkafkaClient } from './types.ts'

// Events of librdkafka; each is observed on its way to the application's listeners, and none is
// configured here. `rebalance` and `offset.commit` need their `_cb`; without `rebalance`,
// `event.stats` counts rebalances.

/** Emits the events of `client`, whose settings are given. */
export function emitRdkafkaEvents(
  client: RdkafkaClient,
  instrumentation: Instrumentation,
  settings: ClientSettings,
): void {
  if (observedClients.has(client)) return
  observedClients.add(client)
  const events = createClientEvents(instrumentation, settings)
  let hasRebalanceEvents = false
  let rebalances = 0
  const on =
    (listen: (...args: readonly unknown[]) => void): EventInterceptor =>
    (pass, ...args) => {
      if (hasLogger(instrumentation)) safely('read an event of librdkafka', () => listen(...args))
      return pass()
    }
  interceptEvents(client, {
    'event.throttle': on((event) => emitThrottle(events, event)),
    'event.error': on((error) => {
      const named = nameClientError(error)
      events.emitError(named, (named as { readonly type?: unknown } | null)?.type === 'ERR__FATAL')
    }),
    'rebalance.error': on((error) => events.emitError(withErrorType(error), false)),
    'offset.commit': on((error, offsets) => {
      if (error && getErrorCode(error) !== NO_OFFSET)
        events.emitCommitFailure(withErrorType(error), getCommonTopic(offsets))
    }),
    rebalance: on((error, partitions) => {
      hasRebalanceEvents = true
      emitRebalance(client, events, getErrorCode(error), toTopicPartitions(partitions))
    }),
    'event.stats': on((event) => {
      if (hasRebalanceEvents) return
      const { count, reason } = parseRebalances(event)
      if (count > rebalances) events.emitRebalance({ reason })
      rebalances = count
    }),
  })
}

const observedClients = new WeakSet<RdkafkaClient>()

const NO_OFFSET = -168
const REVOKE_PARTITIONS = -174
const ASSIGN_PARTITIONS = -175

function emitThrottle(events: ClientEvents, event: unknown): void {
  const { brokerName, throttleTime } = (event ?? {}) as {
    readonly brokerName?: unknown
    readonly throttleTime?: unknown
  }
  if (typeof throttleTime !== 'number' || throttleTime <= 0) return
  // `host:port/id`
  const [name = ''] = typeof brokerName === 'string' ? brokerName.split('/') : []
  events.emitThrottle(parseBroker(name), throttleTime / 1000)
}

// Eager protocols revoke all before they assign all, cooperative ones only changes.
function emitRebalance(
  client: RdkafkaClient,
  events: ClientEvents,
  code: number | undefined,
  partitions: readonly TopicPartition[],
): void {
  if (code === ASSIGN_PARTITIONS) events.assignPartitions(partitions)
  else if (code === REVOKE_PARTITIONS) events.revokePartitions(partitions, { isLost: isAssignmentLost(client) })
  else events.emitRebalance({ reason: code === undefined ? undefined : getErrorCodeName(code) })
}

function isAssignmentLost(client: RdkafkaClient): boolean {
  const { assignmentLost } = client as { readonly assignmentLost?: unknown }
  return typeof assignmentLost === 'function' && assignmentLost.call(client) === true
}

function parseRebalances(event: unknown): { readonly count: number; readonly reason: string | undefined } {
  const { message } = (event ?? {}) as { readonly message?: unknown }
  // A regular expression instead of JSON.parse: statistics may be megabytes.
  const found =
    typeof message === 'string' ? /"rebalance_cnt":\s*(\d+),\s*"rebalance_reason":\s*"([^"]*)"/.exec(message) : null
  return { count: Number(found?.[1] ?? 0), reason: found?.[2] }
}

/** Names the errors of a client by librdkafka's text, which is all that the addons report. */
function nameClientError(error: unknown): unknown {
  const type = error instanceof Error ? CLIENT_ERRORS[error.message.replace(/^\w+: /, '').toLowerCase()] : undefined
  return type === undefined ? withErrorType(error) : Object.create(error as Error, { type: { value: type } })
}

// https://github.com/confluentinc/librdkafka/blob/v2.15.1/src/rdkafka.c rd_kafka_err2str
const CLIENT_ERRORS: Readonly<Record<string, string>> = {
  'fatal error': 'ERR__FATAL',
  'broker transport failure': 'ERR__TRANSPORT',
  'all broker connections are down': 'ERR__ALL_BROKERS_DOWN',
  'host resolution failure': 'ERR__RESOLVE',
  'authentication failure': 'ERR__AUTHENTICATION',
  'ssl error': 'ERR__SSL',
  'critical system resource failure': 'ERR__CRIT_SYS_RESOURCE',
  'unknown topic or partition': 'UNKNOWN_TOPIC_OR_PARTITION',
  'topic authorization failed': 'TOPIC_AUTHORIZATION_FAILED',
  'group authorization failed': 'GROUP_AUTHORIZATION_FAILED',
}

function getErrorCode(error: unknown): number | undefined {
  const { code } = (error ?? {}) as { readonly code?: unknown }
  return typeof code === 'number' ? code : undefined
}

function toTopicPartitions(value: unknown): readonly TopicPartition[] {
  return Array.isArray(value) ? value.filter((one: Partial<TopicPartition>) => typeof one?.topic === 'string') : []
}
