import { context } from '@opentelemetry/api'
import type { OutgoingMessage, StartedSend } from '../core/telemetry.ts'
import type { Instrumentation } from '../core/instrumentation.ts'
import type { ClientSettings } from './settings.ts'
import { withErrorType } from './errors.ts'
import { interceptEvents } from './intercept-events.ts'
import { startRecord, createPendingDeliveries, type PendingDeliveries } from './outgoing.ts'
import { traceRdkafkaTransactions } from './settle.ts'
import type { DeliveryReport, RdkafkaProducer } from './types.ts'
import { replaceMethod } from '../core/clients/override.ts'

/** Traces `produce`, and with it write streams, which call it. */
export function traceRdkafkaProducer(
  producer: RdkafkaProducer,
  instrumentation: Instrumentation,
  settings: ClientSettings,
): void {
  const { produce } = producer
  const unreported = createPendingDeliveries(producer)
  replaceMethod(producer, 'produce', (...args) => {
    const [topic, partition, value, key, timestamp, opaque, headers] = args
    const record = startRecord(instrumentation, { topic, partition, value, key, headers }, settings)
    if (record === undefined) return produce.apply(producer, args)
    const { started } = record
    const traced = started.isObserved && hasDeliveryReports(producer) ? new TracedOpaque(opaque, started) : undefined
    if (traced) unreported.add(started)
    const carried = traced ?? opaque
    const passed = [topic, partition, value, key, timestamp, carried, record.headers]
    try {
      const result = context.with(started.context, () => produce.apply(producer, passed))
      if (traced === undefined) started.succeed()
      return result
    } catch (error) {
      if (traced) unreported.remove(started)
      started.fail(withErrorType(error))
      throw error
    }
  })
  interceptEvents(producer, {
    'delivery-report': (pass, error, report) => {
      endReportedSend(unreported, error, report)
      return pass()
    },
  })
  traceRdkafkaTransactions(producer, instrumentation, settings)
}

/** Replaces the application's opaque value, which is restored before the report is emitted. */
class TracedOpaque {
  readonly opaque: unknown
  readonly started: StartedSend<OutgoingMessage>

  constructor(opaque: unknown, started: StartedSend<OutgoingMessage>) {
    this.opaque = opaque
    this.started = started
  }
}

function endReportedSend(unreported: PendingDeliveries, error: unknown, report: unknown): void {
  const { opaque: traced, partition, offset } = (report ?? {}) as DeliveryReport
  if (!(traced instanceof TracedOpaque)) return
  const deliveryReport = report as DeliveryReport
  if (traced.opaque === undefined) delete deliveryReport.opaque
  else deliveryReport.opaque = traced.opaque
  // The spans of reports after the disconnect have ended.
  if (!unreported.remove(traced.started)) return
  if (error) traced.started.fail(withErrorType(error))
  else traced.started.succeed([{ partition, offset }])
}

// Without `dr_cb` or `dr_msg_cb` there are no reports; only a private field shows that.
function hasDeliveryReports(producer: RdkafkaProducer): boolean {
  const { _cb_configs: callbacks } = producer as {
    readonly _cb_configs?: { readonly event?: { readonly delivery_cb?: unknown } }
  }
  return typeof callbacks?.event?.delivery_cb === 'function'
}
