import { metrics as metricsApi } from '@opentelemetry/api'
import type { Attributes, Context, Histogram, MeterProvider } from '@opentelemetry/api'
import type { AttributeField, AttributeNames } from '../semconv.ts'
import { reportFailure } from '../core/diagnostics.ts'
import { errorType } from '../core/span/errors.ts'
import { countOnce, wasCounted } from './counted-messages.ts'
import { MAX_SERIES } from './counters.ts'
import type { Count } from './counters.ts'
import { instrumentsOf } from './instruments.ts'
import type { Instruments } from './instruments.ts'
import { byteLength, timestampOf } from './message-values.ts'
import type { ResolvedOptions } from '../options.ts'
import { partitionId } from '../core/source.ts'
import type { MessageSource, ReceivedMessage, ServerAddress } from '../core/source.ts'
import { VERSION } from '../core/version.ts'

/** Metrics of operations on messages. Nothing here throws. */
export interface KafkaMetrics {
  /**
   * The instruments, or undefined where nobody collects: then nothing else here is to be called.
   */
  instruments(): Instruments | undefined
  /** Attributes that metrics of `source` have, for adapters that count more about it. */
  attributes(source: MessageSource, more?: Partial<Record<AttributeField, string | number | undefined>>): Attributes
  consumer(instruments: Instruments, source: MessageSource): ConsumerMetrics
  producer(instruments: Instruments, topic: string): ProducerMetrics
  settled(instruments: Instruments, source: MessageSource, operationName: string): Timed
}

/** What is timed in the operation's own context, so that an SDK with exemplars finds the span. */
export interface Timed {
  /** @param started as `performance.now()` told it */
  done(started: number, within: Context, error?: unknown): void
}

export interface ConsumerMetrics {
  /**
   * Counts messages handed to the application by a poll, or straight to a process span; once per
   * delivery.
   */
  delivered(messages: readonly ReceivedMessage[], by: 'poll' | 'process', within: Context): void
  /**
   * The same for a message processed on its own, which may have been delivered with a batch before.
   */
  deliveredOne(message: ReceivedMessage, within: Context): void
  /** A receive that the application asked for. */
  readonly receive: Timed
  readonly process: Timed
}

export interface ProducerMetrics {
  begun(messages: number): void
  /** @param server the broker that all messages went to */
  done(send: BegunSend, within: Context, server: ServerAddress | undefined, error?: unknown): void
}

export interface BegunSend {
  /** As `performance.now()` told it. */
  readonly started: number
  readonly messages: number
  /** Of keys and values. */
  readonly bytes: number
}

export function createMetrics(names: AttributeNames, options: ResolvedOptions): KafkaMetrics {
  const wanted = options.metrics
  const attributes: KafkaMetrics['attributes'] = (source, more = {}) => {
    const made: Attributes = {}
    names.put(made, 'system', 'kafka')
    if (wanted && wanted.topic) names.put(made, 'destination', source.topic)
    if (wanted && wanted.partition) names.put(made, 'partition', partitionId(source.partition))
    names.put(made, 'consumerGroup', source.groupId)
    for (const [field, value] of Object.entries(more)) names.put(made, field as AttributeField, value)
    // SDKs sort the names for every record, which takes less for what is sorted.
    return Object.freeze(Object.fromEntries(Object.entries(made).toSorted(([one], [other]) => (one < other ? -1 : 1))))
  }
  const ofServer: ServerFields = (server) =>
    wanted && wanted.broker && server !== undefined ? { serverAddress: server.address, serverPort: server.port } : {}
  const timed = (histogram: Histogram, of: Attributes): Timed => ({
    done(started, within, error) {
      const seconds = (performance.now() - started) / 1000
      try {
        histogram.record(seconds, failed(names, of, error), within)
      } catch (failure) {
        reportFailure('record a duration', failure)
      }
    },
  })
  const consumers = new WeakMap<Instruments, WeakMap<MessageSource, ConsumerMetrics>>()
  const producers = new WeakMap<Instruments, Map<string, ProducerMetrics>>()
  let provider: MeterProvider | undefined
  let instruments: Instruments | undefined
  return {
    instruments() {
      if (wanted === false) return undefined
      const current = options.meterProvider ?? metricsApi.getMeterProvider()
      if (current !== provider) {
        provider = current
        instruments = instrumentsOf(current, VERSION)
      }
      return instruments
    },
    attributes,
    consumer: (instruments, source) =>
      kept(consumers, instruments, source, () =>
        consumerMetrics(instruments, source, attributes, timed, ofServer(source.server)),
      ),
    producer(instruments, topic) {
      let topics = producers.get(instruments)
      if (topics === undefined) producers.set(instruments, (topics = new Map()))
      let known = topics.get(topic)
      if (known === undefined) {
        known = producerMetrics(names, instruments, topic, attributes, ofServer)
        if (topics.size < MAX_SERIES) topics.set(topic, known)
      }
      return known
    },
    settled: (instruments, source, operationName) =>
      timed(
        instruments.operationDuration,
        attributes(source, { operationName, operationType: 'settle', ...ofServer(source.server) }),
      ),
  }
}

type ServerFields = (server: ServerAddress | undefined) => {
  readonly serverAddress?: string | undefined
  readonly serverPort?: number | undefined
}

function consumerMetrics(
  instruments: Instruments,
  source: MessageSource,
  attributes: KafkaMetrics['attributes'],
  timed: (histogram: Histogram, of: Attributes) => Timed,
  server: ReturnType<ServerFields>,
): ConsumerMetrics {
  const ofSource = attributes(source)
  // Made by the first message, so that no series of zeros is exported.
  const counters: Partial<Record<'poll' | 'process', Count>> = {}
  const consumedBy = (operationName: 'poll' | 'process'): Count =>
    (counters[operationName] ??= instruments.consumedMessages.of(attributes(source, { operationName, ...server })))
  const bytes = instruments.consumedBytes.of(ofSource)
  const count = (message: ReceivedMessage, counted: Count): void => {
    counted.value += 1
    bytes.value += byteLength(message.key) + byteLength(message.value)
  }
  const time = (message: ReceivedMessage, within: Context): void => {
    const timestamp = timestampOf(message)
    if (timestamp === undefined) return
    // Clocks of two machines differ, so a record may come from the future: it waited for no time.
    instruments.endToEndDuration.record(Math.max(0, Date.now() - timestamp) / 1000, ofSource, within)
  }
  return {
    delivered(delivered, operation, within) {
      // An SDK hashes the attributes for each record, so a batch is told by ten of its messages,
      // evenly spread.
      const step = Math.ceil(delivered.length / TIMED_PER_BATCH)
      countOnce(delivered, (message, i) => {
        count(message, consumedBy(operation))
        if (i % step === 0) time(message, within)
      })
    },
    deliveredOne(message, within) {
      if (wasCounted(message)) return
      count(message, consumedBy('process'))
      time(message, within)
    },
    receive: timed(
      instruments.operationDuration,
      attributes(source, { operationName: 'poll', operationType: 'receive', ...server }),
    ),
    process: timed(instruments.processDuration, attributes(source, { operationName: 'process', ...server })),
  }
}

function producerMetrics(
  names: AttributeNames,
  instruments: Instruments,
  topic: string,
  attributes: KafkaMetrics['attributes'],
  ofServer: ServerFields,
): ProducerMetrics {
  const source = { topic }
  const sentBytes = instruments.sentBytes.of(attributes(source))
  const buffered = instruments.bufferedToSend.of(attributes(source))
  // Made by the first send to a broker, so that no series of zeros is exported.
  const ofBrokers = new WeakMap<object, SendSeries>()
  const seriesOf = (server: ServerAddress | undefined): SendSeries => {
    const fields = ofServer(server)
    const ofMessages = attributes(source, { operationName: 'send', ...fields })
    const ofDuration = attributes(source, { operationName: 'send', operationType: 'send', ...fields })
    return { ofMessages, ofDuration, sent: undefined }
  }
  const knownSeries = (server: ServerAddress | undefined): SendSeries => {
    const key = server ?? UNKNOWN_SERVER
    let known = ofBrokers.get(key)
    if (known === undefined) ofBrokers.set(key, (known = seriesOf(server)))
    return known
  }
  return {
    begun: (messages) => void (buffered.value += messages),
    done({ started, messages, bytes }, within, server, error) {
      const seconds = (performance.now() - started) / 1000
      try {
        buffered.value -= messages
        const series = knownSeries(server)
        if (error === undefined) {
          series.sent ??= instruments.sentMessages.of(series.ofMessages)
          series.sent.value += messages
          sentBytes.value += bytes
        } else instruments.sentMessages.of(failed(names, series.ofMessages, error)).value += messages
        instruments.operationDuration.record(seconds, failed(names, series.ofDuration, error), within)
      } catch (failure) {
        reportFailure('record a send', failure)
      }
    },
  }
}

/** What is counted of the sends to one broker. */
interface SendSeries {
  readonly ofMessages: Attributes
  readonly ofDuration: Attributes
  sent: Count | undefined
}

const UNKNOWN_SERVER = {}

const TIMED_PER_BATCH = 10

/** `attributes` with the error's class; `undefined` is no error. */
function failed(names: AttributeNames, attributes: Attributes, error: unknown): Attributes {
  if (error === undefined) return attributes
  const made = { ...attributes }
  names.put(made, 'errorType', errorType(error))
  return made
}

function kept<K extends object, V>(
  caches: WeakMap<Instruments, WeakMap<K, V>>,
  instruments: Instruments,
  key: K,
  make: () => V,
): V {
  let cache = caches.get(instruments)
  if (cache === undefined) caches.set(instruments, (cache = new WeakMap()))
  let known = cache.get(key)
  if (known === undefined) cache.set(key, (known = make()))
  return known
}
