import { context } from '@opentelemetry/api'
import type { RecordMetadata } from '../core/telemetry.ts'
import type { Instrumentation } from '../core/instrumentation.ts'
import type { ClientSettings } from './settings.ts'
import { withErrorType } from './errors.ts'
import { interceptEvents } from './intercept-events.ts'
import { startRecord, createPendingDeliveries } from './outgoing.ts'
import { traceRdkafkaTransactions } from './settle.ts'
import type { DeliveryReport, RdkafkaCallback, RdkafkaProducer } from './types.ts'
import { replaceMethod } from '../core/clients/override.ts'

/**
 * Traces `produce(topic, partition, value, key, timestamp, [headers,] callback)`, whose callback
 * gets the offset. Key and value are read before serialization.
 */
export function traceHighLevelProducer(
  producer: RdkafkaProducer,
  instrumentation: Instrumentation,
  settings: ClientSettings,
): void {
  const { produce } = producer
  const partitions = watchPartitions(producer)
  const unreported = createPendingDeliveries(producer)
  replaceMethod(producer, 'produce', (...args) => {
    const [topic, partition, value, key, timestamp] = args
    // The client itself distinguishes its two forms by the number of arguments.
    const headers = args.length === 6 ? undefined : args[5]
    const callback = args[args.length === 6 ? 5 : 6]
    if (typeof callback !== 'function') return produce.apply(producer, args)
    const record = startRecord(instrumentation, { topic, partition, value, key, headers }, settings)
    if (record === undefined) return produce.apply(producer, args)
    const { started } = record
    const assignment: { partition?: number } = {}
    const tracedCallback: RdkafkaCallback = (error, offset, ...others) => {
      if (unreported.remove(started)) {
        if (error) started.fail(withErrorType(error))
        else started.succeed([{ ...assignment, offset: offset as RecordMetadata['offset'] }])
      }
      return (callback as RdkafkaCallback)(error, offset, ...others)
    }
    const passed = [
      topic,
      partition,
      value,
      key,
      timestamp,
      record.headers,
      context.bind(context.active(), tracedCallback),
    ]
    unreported.add(started)
    try {
      return partitions.runWith(assignment, () => context.with(started.context, () => produce.apply(producer, passed)))
    } catch (error) {
      if (unreported.remove(started)) started.fail(withErrorType(error))
      throw error
    }
  })
  traceRdkafkaTransactions(producer, instrumentation, settings)
}

interface WithInnerProduce extends RdkafkaProducer {
  _oldProduce(...args: unknown[]): unknown
}

/**
 * Finds the partition of a record: only its delivery report has it, under an opaque value of the
 * private inner `produce`. Without that, or with an async serializer, spans have only a partition
 * that the application chose.
 */
function watchPartitions(producer: RdkafkaProducer) {
  const { _oldProduce: inner } = producer as { readonly _oldProduce?: unknown }
  const assignments = new WeakMap<object, { partition?: number }>()
  let current: { partition?: number } | undefined
  if (typeof inner === 'function') {
    replaceMethod(producer as WithInnerProduce, '_oldProduce', (...args) => {
      const opaque = args[5]
      if (current && typeof opaque === 'object' && opaque !== null) assignments.set(opaque, current)
      return inner.apply(producer, args) as unknown
    })
    interceptEvents(producer, {
      'delivery-report': (pass, _error, report) => {
        const { opaque, partition } = (report ?? {}) as DeliveryReport
        const assignment = typeof opaque === 'object' && opaque !== null ? assignments.get(opaque) : undefined
        if (assignment && partition !== undefined) assignment.partition = partition
        return pass()
      },
    })
  }
  return {
    runWith<R>(assignment: { partition?: number }, produce: () => R): R {
      current = assignment
      try {
        return produce()
      } finally {
        current = undefined
      }
    },
  }
}
