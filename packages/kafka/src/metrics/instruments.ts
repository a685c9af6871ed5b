import { ValueType, createNoopMeter, type Histogram, type Meter, type MeterProvider } from '@opentelemetry/api'
import { reportFailure } from '../core/diagnostics.ts'
import { createCounterSet, type CounterSet } from './counters.ts'
import { reportSocketBytes } from './sockets.ts'

/** Every instrument of the plugin; docs/kafka/metrics.md explains them. */
export type Instruments = ReturnType<typeof createInstruments>

/**
 * Returns the instruments of a provider, undefined for a no-op. All telemetries share them: two
 * observable counters of one name would overwrite each other.
 */
export function getInstruments(provider: MeterProvider, version: string): Instruments | undefined {
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
// Queue times range from milliseconds to days.
const QUEUE_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 21600, 86400]

function createInstruments(meter: Meter) {
  const createHistogram = (name: string, description: string, boundaries: number[] = SECONDS): Histogram =>
    meter.createHistogram(name, {
      description,
      unit: 's',
      valueType: ValueType.DOUBLE,
      advice: { explicitBucketBoundaries: boundaries },
    })
  const createCounter = (name: string, unit: string, description: string): CounterSet =>
    createCounterSet(meter.createObservableCounter(name, { description, unit, valueType: ValueType.INT }))
  const createUpDownCounter = (name: string, unit: string, description: string): CounterSet =>
    createCounterSet(meter.createObservableUpDownCounter(name, { description, unit, valueType: ValueType.INT }))
  const instruments = {
    operationDuration: createHistogram('messaging.client.operation.duration', 'Duration of a send, receive or commit'),
    processDuration: createHistogram('messaging.process.duration', "Duration of the application's handler"),
    endToEndDuration: createHistogram(
      'kafka.consumer.end_to_end.duration',
      "From a record's timestamp to its delivery to the application",
      QUEUE_SECONDS,
    ),
    requestDuration: createHistogram('kafka.client.request.duration', 'From the sending of a request to its response'),
    requestWait: createHistogram(
      'kafka.client.request.wait.duration',
      'Time a request waited in the client to be sent',
    ),
    joinDuration: createHistogram(
      'kafka.consumer.group_join.duration',
      'Duration of joining and syncing with the group',
    ),
    sentMessages: createCounter(
      'messaging.client.sent.messages',
      '{message}',
      'Messages that the client was asked to send',
    ),
    consumedMessages: createCounter(
      'messaging.client.consumed.messages',
      '{message}',
      'Messages delivered to the application',
    ),
    sentBytes: createCounter('kafka.client.sent.bytes', 'By', 'Keys and values sent, before compression'),
    consumedBytes: createCounter('kafka.client.consumed.bytes', 'By', 'Keys and values delivered to the application'),
    consumedBatches: createCounter('kafka.consumer.batches', '{batch}', 'Batches of a partition begun'),
    connects: createCounter('kafka.client.connects', '{connection}', 'Attempts to connect to a broker'),
    disconnects: createCounter('kafka.client.disconnects', '{connection}', 'Connections to brokers that were closed'),
    io: createCounter('kafka.client.io', 'By', 'Bytes on connections to brokers'),
    requestTimeouts: createCounter('kafka.client.request.timeouts', '{request}', 'Requests without a response in time'),
    retries: createCounter('kafka.producer.retries', '{retry}', 'Further attempts to send'),
    rebalances: createCounter(
      'kafka.consumer.rebalances',
      '{rebalance}',
      'Rebalances of the group this member was part of',
    ),
    crashes: createCounter('kafka.consumer.crashes', '{crash}', 'Times the consumer stopped for an error'),
    commits: createCounter('kafka.consumer.commits', '{commit}', 'Commits of offsets, automatic ones included'),
    lag: createUpDownCounter(
      'kafka.consumer.lag',
      '{message}',
      'Messages behind the high watermark of assigned partitions',
    ),
    connections: createUpDownCounter('kafka.client.connections', '{connection}', 'Open connections to brokers'),
    queuedRequests: createUpDownCounter(
      'kafka.client.request.queued',
      '{request}',
      'Requests waiting in the client to be sent',
    ),
    bufferedToSend: createUpDownCounter(
      'kafka.producer.buffered.messages',
      '{message}',
      'Messages not yet acknowledged',
    ),
    bufferedToProcess: createUpDownCounter(
      'kafka.consumer.buffered.messages',
      '{message}',
      'Messages fetched and not yet processed',
    ),
  }
  // Sockets count their bytes: read only when they are exported.
  instruments.io.beforeCollection(reportSocketBytes)
  return instruments
}
