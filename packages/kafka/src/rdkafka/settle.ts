import { context } from '@opentelemetry/api'
import type { Settlement } from '../core/settle.ts'
import type { KafkaTelemetry } from '../core/telemetry.ts'
import { withErrorType } from './errors.ts'
import type { RdkafkaCallback } from './types.ts'

/** What all of librdkafka's Node APIs know about the client that settles. */
type Settler = Pick<Settlement, 'clientId' | 'groupId'>

/** The settlement of a list of partitions; of what it can't read it says nothing. */
export function offsetsSettlement(operationName: string, offsets: unknown, { clientId, groupId }: Settler): Settlement {
  const partitions = (Array.isArray(offsets) ? offsets : [offsets]).filter(isTopicPartition)
  const [first] = partitions
  const isOneTopic = first !== undefined && partitions.every(({ topic }) => topic === first.topic)
  const partition = partitions.length === 1 ? first?.partition : undefined
  return { operationName, topic: isOneTopic ? first.topic : undefined, partition, groupId, clientId }
}

/** Runs `call` in a settle span and gives its very promise. */
export function settleAsync<R>(telemetry: KafkaTelemetry, settlement: Settlement, call: () => Promise<R>): Promise<R> {
  let result: Promise<R> | undefined
  const settled = telemetry.settle(settlement, () => {
    result = call()
    return result.catch((error: unknown) => {
      throw withErrorType(error)
    })
  })
  // The application has `result` to handle; this one was only for the span.
  settled.catch(() => {})
  return result ?? settled
}

/** The same for what answers when it returns. */
export function settleSync<R>(telemetry: KafkaTelemetry, settlement: Settlement, call: () => R): R {
  let thrown: { readonly error: unknown } | undefined
  try {
    return telemetry.settle(settlement, () => {
      try {
        return call()
      } catch (error) {
        thrown = { error }
        throw withErrorType(error)
      }
    })
  } catch (error) {
    throw thrown ? thrown.error : error
  }
}

/**
 * The same where the last function among `args` is told the outcome; `call` gets the arguments to
 * pass on.
 */
export function settleByCallback<R>(
  telemetry: KafkaTelemetry,
  settlement: Settlement,
  args: unknown[],
  call: (args: unknown[]) => R,
): R {
  const at = args.findLastIndex((arg) => typeof arg === 'function')
  if (at < 0) return telemetry.settle(settlement, () => call(args))
  const callback = context.bind(context.active(), args[at] as RdkafkaCallback)
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const answered: RdkafkaCallback = (error, ...results) => {
    if (error) reject(withErrorType(error))
    else resolve()
    return callback(error, ...results)
  }
  let result: R
  const settled = telemetry.settle(settlement, () => {
    result = call(args.with(at, answered))
    return promise
  })
  settled.catch(() => {})
  return result!
}

function isTopicPartition(value: unknown): value is { readonly topic: string; readonly partition: number | undefined } {
  if (typeof value !== 'object' || value === null) return false
  const { topic, partition } = value as { readonly topic?: unknown; readonly partition?: unknown }
  return typeof topic === 'string' && (partition === undefined || typeof partition === 'number')
}
