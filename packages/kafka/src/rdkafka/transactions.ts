import type { KafkaTelemetry } from '../core/telemetry.ts'
import type { ClientSettings } from '../confluent/settings.ts'
import { offsetsSettlement, settleByCallback } from './settle.ts'
import type { RdkafkaProducer } from './types.ts'
import { replaceMethod } from '../core/clients/override.ts'

/** Traces how transactions end, under the names they have with Confluent's KafkaJS API. */
export function traceRdkafkaTransactions(
  producer: RdkafkaProducer,
  telemetry: KafkaTelemetry,
  settings: ClientSettings,
): void {
  const { commitTransaction, abortTransaction, sendOffsetsToTransaction } = producer
  const { clientId } = settings
  if (commitTransaction) {
    replaceMethod(producer, 'commitTransaction', (...args) =>
      settleByCallback(telemetry, { operationName: 'commit_transaction', clientId }, args, (passed) =>
        commitTransaction.apply(producer, passed),
      ),
    )
  }
  if (abortTransaction) {
    replaceMethod(producer, 'abortTransaction', (...args) =>
      settleByCallback(telemetry, { operationName: 'abort_transaction', clientId }, args, (passed) =>
        abortTransaction.apply(producer, passed),
      ),
    )
  }
  if (sendOffsetsToTransaction) {
    replaceMethod(producer, 'sendOffsetsToTransaction', (...args) =>
      settleByCallback(telemetry, offsetsSettlement('send_offsets', args[0], { clientId }), args, (passed) =>
        sendOffsetsToTransaction.apply(producer, passed),
      ),
    )
  }
}
