import { reportFailure } from '../core/diagnostics.ts'
import type { OutgoingFormat, OutgoingMessage, StartedSend } from '../core/telemetry.ts'
import type { Instrumentation } from '../core/instrumentation.ts'
import { interceptEvents } from './intercept-events.ts'
import type { ClientSettings } from './settings.ts'
import type { RdkafkaProducer } from './types.ts'

/** The arguments of `produce` that make a record. */
export interface ProducedRecord {
  readonly topic: unknown
  readonly partition: unknown
  readonly value: unknown
  readonly key: unknown
  readonly headers: unknown
}

export interface OutgoingRecord {
  readonly started: StartedSend<OutgoingMessage>
  /** The headers to produce with: the application's own when nothing had to be added. */
  readonly headers: unknown
}

/** Starts the Send span of one record; undefined for invalid records, which the client rejects. */
export function startRecord(
  instrumentation: Instrumentation,
  record: ProducedRecord,
  settings: ClientSettings,
): OutgoingRecord | undefined {
  try {
    return start(instrumentation, record, settings)
  } catch (error) {
    reportFailure('start a send span', error)
    return undefined
  }
}

function start(
  instrumentation: Instrumentation,
  { topic, partition, value, key, headers }: ProducedRecord,
  settings: ClientSettings,
): OutgoingRecord | undefined {
  const areHeaders = headers === undefined || headers === null || Array.isArray(headers)
  if (typeof topic !== 'string' || topic === '' || !areHeaders) return undefined
  const message: OutgoingMessage = {
    key,
    value,
    partition: typeof partition === 'number' && partition >= 0 ? partition : undefined,
    // A list, so that the copy is one, too.
    headers: headers ?? [],
  }
  const { clientId, cluster } = settings
  const getLeader = (of: number | undefined) => cluster.getLeader(topic, of)
  const started = instrumentation.startSend({ topic, messages: [message], format: RECORD, clientId, getLeader })
  const [sent] = started.messages
  return { started, headers: sent === undefined || sent === message ? headers : sent.headers }
}

const RECORD: OutgoingFormat<OutgoingMessage> = {
  read: (message) => message,
  withHeaders: (message, headers) => ({ ...message, headers }),
}

/** Sends that wait for their delivery report. */
export interface PendingDeliveries {
  add(send: StartedSend<OutgoingMessage>): void
  /** Whether the send was still waiting; its spans are to be ended then. */
  remove(send: StartedSend<OutgoingMessage>): boolean
}

/**
 * Keeps sends until their delivery report, which a poll delivers; fails the rest when the producer
 * disconnects.
 */
export function createPendingDeliveries(producer: RdkafkaProducer): PendingDeliveries {
  const waiting = new Set<StartedSend<OutgoingMessage>>()
  interceptEvents(producer, {
    disconnected(pass) {
      // One error for all: each has a stack to format, and 100,000 sends may wait.
      const error = new Error(UNREPORTED)
      for (const send of waiting) send.fail(error)
      waiting.clear()
      return pass()
    },
  })
  return {
    add: (send) => void waiting.add(send),
    remove: (send) => waiting.delete(send),
  }
}

const UNREPORTED = 'the producer was disconnected before the record’s delivery report was polled'
