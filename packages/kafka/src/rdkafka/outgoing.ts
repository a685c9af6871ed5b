import { reportFailure } from '../core/diagnostics.ts'
import type { OutgoingFormat, OutgoingMessage, StartedSend } from '../core/send.ts'
import type { KafkaTelemetry } from '../core/telemetry.ts'
import type { ClientSettings } from '../confluent/settings.ts'

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

/** Starts the Send span of one record; undefined for what only the client can answer. */
export function startRecord(
  telemetry: KafkaTelemetry,
  record: ProducedRecord,
  settings: ClientSettings,
): OutgoingRecord | undefined {
  try {
    return start(telemetry, record, settings)
  } catch (error) {
    reportFailure('start a send span', error)
    return undefined
  }
}

function start(
  telemetry: KafkaTelemetry,
  { topic, partition, value, key, headers }: ProducedRecord,
  settings: ClientSettings,
): OutgoingRecord | undefined {
  const areHeaders = headers === undefined || headers === null || Array.isArray(headers)
  if (typeof topic !== 'string' || topic === '' || !areHeaders) return undefined
  const message: OutgoingMessage = {
    key,
    value,
    partition: typeof partition === 'number' && partition >= 0 ? partition : undefined,
    // An empty list, so that it is a list of objects that comes back.
    headers: headers ?? [],
  }
  const { clientId, cluster } = settings
  const leaderOf = (of: number | undefined) => cluster.leaderOf(topic, of)
  const started = telemetry.startSend({ topic, messages: [message], format: RECORD, clientId, leaderOf })
  const [sent] = started.messages
  return { started, headers: sent === undefined || sent === message ? headers : sent.headers }
}

const RECORD: OutgoingFormat<OutgoingMessage> = {
  read: (message) => message,
  withHeaders: (message, headers) => ({ ...message, headers }),
}
