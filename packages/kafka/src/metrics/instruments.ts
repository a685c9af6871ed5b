import { ValueType, createNoopMeter } from '@opentelemetry/api'
import type { Histogram, Meter, MeterProvider } from '@opentelemetry/api'
import { reportFailure } from '../core/diagnostics.ts'
import { counts } from './counters.ts'
import type { Counts } from './counters.ts'

/** Every instrument of the plugin; docs/kafka/metrics.md says when each moves. */
export interface Instruments {
  readonly operationDuration: Histogram
  readonly processDuration: Histogram
  readonly endToEndDuration: Histogram
  readonly requestDuration: Histogram
  readonly requestWait: Histogram
  readonly joinDuration: Histogram
  readonly sentMessages: Counts
  readonly consumedMessages: Counts
  readonly sentBytes: Counts
  readonly consumedBytes: Counts
  readonly consumedBatches: Counts
  readonly connects: Counts
  readonly disconnects: Counts
  readonly io: Counts
  readonly requestTimeouts: Counts
  readonly retries: Counts
  readonly rebalances: Counts
  readonly crashes: Counts
  readonly commits: Counts
  readonly lag: Counts
  readonly connections: Counts
  readonly queuedRequests: Counts
  readonly bufferedToSend: Counts
  readonly bufferedToProcess: Counts
}

/**
 * The instruments of a provider, or undefined when it is a no-op. All telemetries of a process
 * share them: two observable counters of one name would overwrite each other's values.
 */
export function instrumentsOf(provider: MeterProvider, version: string): Instruments | undefined {
  if (known.has(provider)) return known.get(provider)
  let instruments: Instruments | undefined
  try {
    const meter = provider.getMeter('@spanlink/kafka', version)
    if (meter !== createNoopMeter()) instruments = createInstruments(meter)
  } catch (error) {
    reportFailure('create the instruments of metrics', error)
  }
  known.set(provider, instruments)
  return instruments
}

const known = new WeakMap<MeterProvider, Instruments | undefined>()

// Boundaries of the conventions:
// https://opentelemetry.io/docs/specs/semconv/messaging/messaging-metrics/
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]
// A message may wait for a consumer for days; a minute more or less doesn't matter then.
const QUEUE_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 21600, 86400]

function createInstruments(meter: Meter): Instruments {
  const seconds = (name: string, description: string, boundaries: number[] = SECONDS): Histogram =>
    meter.createHistogram(name, {
      description,
      unit: 's',
      valueType: ValueType.DOUBLE,
      advice: { explicitBucketBoundaries: boundaries },
    })
  const total = (name: string, unit: string, description: string): Counts =>
    counts(meter.createObservableCounter(name, { description, unit, valueType: ValueType.INT }))
  const level = (name: string, unit: string, description: string): Counts =>
    counts(meter.createObservableUpDownCounter(name, { description, unit, valueType: ValueType.INT }))
  return {
    operationDuration: seconds('messaging.client.operation.duration', 'Duration of a send, receive or commit'),
    processDuration: seconds('messaging.process.duration', "Duration of the application's handler"),
    endToEndDuration: seconds(
      'kafka.consumer.end_to_end.duration',
      "From a record's timestamp to its delivery to the application",
      QUEUE_SECONDS,
    ),
    requestDuration: seconds('kafka.client.request.duration', 'From the sending of a request to its response'),
    requestWait: seconds('kafka.client.request.wait.duration', 'Time a request waited in the client to be sent'),
    joinDuration: seconds('kafka.consumer.group_join.duration', 'Duration of joining and syncing with the group'),
    sentMessages: total('messaging.client.sent.messages', '{message}', 'Messages that the client was asked to send'),
    consumedMessages: total('messaging.client.consumed.messages', '{message}', 'Messages delivered to the application'),
    sentBytes: total('kafka.client.sent.bytes', 'By', 'Keys and values sent, before compression'),
    consumedBytes: total('kafka.client.consumed.bytes', 'By', 'Keys and values delivered to the application'),
    consumedBatches: total('kafka.consumer.batches', '{batch}', 'Batches of a partition begun'),
    connects: total('kafka.client.connects', '{connection}', 'Attempts to connect to a broker'),
    disconnects: total('kafka.client.disconnects', '{connection}', 'Connections to brokers that were closed'),
    io: total('kafka.client.io', 'By', 'Bytes on connections to brokers'),
    requestTimeouts: total('kafka.client.request.timeouts', '{request}', 'Requests without a response in time'),
    retries: total('kafka.producer.retries', '{retry}', 'Further attempts to send'),
    rebalances: total('kafka.consumer.rebalances', '{rebalance}', 'Rebalances of the group this member was part of'),
    crashes: total('kafka.consumer.crashes', '{crash}', 'Times the consumer stopped for an error'),
    commits: total('kafka.consumer.commits', '{commit}', 'Commits of offsets, automatic ones included'),
    lag: level('kafka.consumer.lag', '{message}', 'Messages behind the high watermark of assigned partitions'),
    connections: level('kafka.client.connections', '{connection}', 'Open connections to brokers'),
    queuedRequests: level('kafka.client.request.queued', '{request}', 'Requests waiting in the client to be sent'),
    bufferedToSend: level('kafka.producer.buffered.messages', '{message}', 'Messages not yet acknowledged'),
    bufferedToProcess: level('kafka.consumer.buffered.messages', '{message}', 'Messages fetched and not yet processed'),
  }
}
