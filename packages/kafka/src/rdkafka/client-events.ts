import { quietly } from '../core/diagnostics.ts'
import { clientEvents, hasLogger } from '../events/events.ts'
import type { ClientEvents, TopicPartition } from '../events/events.ts'
import type { KafkaTelemetry } from '../core/telemetry.ts'
import type { ClientSettings } from '../confluent/settings.ts'
import { brokerOf } from '../kafkajs/metrics.ts'
import { errorCodeName, withErrorType } from './errors.ts'
import { interceptEvents } from './intercept-events.ts'
import type { EventInterceptor } from './intercept-events.ts'
import type { RdkafkaClient } from './types.ts'

// What a client emits of its own accord. Each event is seen on its way to the application's
// listeners, and none is asked for here:
//
// event.throttle, event.error always, unless `event_cb: false`
// rebalance with `rebalance_cb` configured; always in Confluent's KafkaJS API
// rebalance.error the client's default handling of a rebalance failed
// offset.commit with `offset_commit_cb` configured; automatic commits, too
// event.stats with `statistics.interval.ms` configured: of rebalances, where nothing else tells of
// them

/** Tells what happens to `client`, whose events those are. */
export function tellRdkafkaEvents(client: RdkafkaClient, telemetry: KafkaTelemetry, settings: ClientSettings): void {
  if (told.has(client)) return
  told.add(client)
  const events = clientEvents(telemetry, settings)
  let tellsRebalances = false
  let rebalances = 0
  const on =
    (listen: (...args: readonly unknown[]) => void): EventInterceptor =>
    (pass, ...args) => {
      if (hasLogger(telemetry)) quietly('read an event of librdkafka', () => listen(...args))
      return pass()
    }
  interceptEvents(client, {
    'event.throttle': on((event) => tellThrottling(events, event)),
    'event.error': on((error) => {
      const named = withNamedType(error)
      events.failed(named, (named as { readonly type?: unknown } | null)?.type === 'ERR__FATAL')
    }),
    'rebalance.error': on((error) => events.failed(withErrorType(error), false)),
    'offset.commit': on((error, offsets) => {
      if (error && codeOf(error) !== NO_OFFSET) events.commitFailed(withErrorType(error), topicOf(offsets))
    }),
    rebalance: on((error, partitions) => {
      tellsRebalances = true
      tellRebalance(client, events, codeOf(error), partitionsOf(partitions))
    }),
    'event.stats': on((event) => {
      if (tellsRebalances) return
      const { count, reason } = rebalancesIn(event)
      if (count > rebalances) events.rebalancing({ reason })
      rebalances = count
    }),
  })
}

const told = new WeakSet<RdkafkaClient>()

const NO_OFFSET = -168
const REVOKE_PARTITIONS = -174
const ASSIGN_PARTITIONS = -175

function tellThrottling(events: ClientEvents, event: unknown): void {
  const { brokerName, throttleTime } = (event ?? {}) as {
    readonly brokerName?: unknown
    readonly throttleTime?: unknown
  }
  if (typeof throttleTime !== 'number' || throttleTime <= 0) return
  // `host:port/id`
  const [name = ''] = typeof brokerName === 'string' ? brokerName.split('/') : []
  events.throttled(brokerOf(name), throttleTime / 1000)
}

// Eager protocols revoke all before they assign all, cooperative ones what changes: both are told
// as they happen.
function tellRebalance(
  client: RdkafkaClient,
  events: ClientEvents,
  code: number | undefined,
  partitions: readonly TopicPartition[],
): void {
  if (code === ASSIGN_PARTITIONS) events.assigned(partitions)
  else if (code === REVOKE_PARTITIONS) events.revoked(partitions, { isLost: isAssignmentLost(client) })
  else events.rebalancing({ reason: code === undefined ? undefined : errorCodeName(code) })
}

function isAssignmentLost(client: RdkafkaClient): boolean {
  const { assignmentLost } = client as { readonly assignmentLost?: unknown }
  return typeof assignmentLost === 'function' && assignmentLost.call(client) === true
}

function rebalancesIn(event: unknown): { readonly count: number; readonly reason: string | undefined } {
  const { message } = (event ?? {}) as { readonly message?: unknown }
  // Most of the megabytes that statistics can be are of no concern here.
  const found =
    typeof message === 'string' ? /"rebalance_cnt":\s*(\d+),\s*"rebalance_reason":\s*"([^"]*)"/.exec(message) : null
  return { count: Number(found?.[1] ?? 0), reason: found?.[2] }
}

/**
 * The addons make an error of librdkafka's text alone, without what is before the colon; these it
 * raises for a client as a whole.
 */
function withNamedType(error: unknown): unknown {
  const type = error instanceof Error ? CLIENT_ERRORS[error.message.replace(/^\w+: /, '').toLowerCase()] : undefined
  return type === undefined ? withErrorType(error) : Object.create(error as Error, { type: { value: type } })
}

// Of `rd_kafka_err2str`: https://github.com/confluentinc/librdkafka/blob/v2.15.1/src/rdkafka.c
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

function codeOf(error: unknown): number | undefined {
  const { code } = (error ?? {}) as { readonly code?: unknown }
  return typeof code === 'number' ? code : undefined
}

function partitionsOf(value: unknown): readonly TopicPartition[] {
  return Array.isArray(value) ? value.filter((one: Partial<TopicPartition>) => typeof one?.topic === 'string') : []
}

function topicOf(offsets: unknown): string | undefined {
  const [first, ...others] = partitionsOf(offsets)
  return first && others.every(({ topic }) => topic === first.topic) ? first.topic : undefined
}
