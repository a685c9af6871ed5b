import { metrics as metricsApi } from '@opentelemetry/api'
import type { Attributes, Context, Histogram, MeterProvider } from '@opentelemetry/api'
import type { AttributeField, AttributeNames } from '../semconv.ts'
import { reportFailure } from '../core/diagnostics.ts'
import { getErrorType } from '../core/span/errors.ts'
import { countOnce, isCounted } from './counted-messages.ts'
import { MAX_SERIES, type Counter } from './counters.ts'
import { getInstruments, type Instruments } from './instruments.ts'
import { getByteLength, parseTimestamp } from './message-values.ts'
import type { ResolvedOptions } from '../options.ts'
import { formatPartition, type MessageSource, type ReceivedMessage, type ServerAddress } from '../core/source.ts'
import { VERSION } from '../core/version.ts'

/** Metrics of operations on messages. Nothing here throws. */
export interface KafkaMetrics {
  /** Returns undefined without a meter provider: then no other method may be called. */
  getInstruments(): Instruments | undefined
  /** Creates the attributes of metrics of `source`. */
  createAttributes(
    source: MessageSource,
    more?: Partial<Record<AttributeField, string | number | undefined>>,
  ): Attributes
  getConsumer(instruments: Instruments, source: MessageSource): ConsumerMetrics
  getProducer(instruments: Instruments, topic: string): ProducerMetrics
  getSettleDuration(instruments: Instruments, source: MessageSource, operationName: string): DurationRecorder
}

/** Records durations in the operation's context, which SDKs need for exemplars. */
export interface DurationRecorder {
  /** @param startedAt a value of `performance.now()` */
  record(startedAt: number, within: Context, error?: unknown): void
}

export interface ConsumerMetrics {
  /** Counts messages delivered by a poll or directly to a process span; once each. */
  countBatch(messages: readonly ReceivedMessage[], by: 'poll' | 'process', within: Context): void
  /** Counts a message, unless its batch was counted. */
  countMessage(message: ReceivedMessage, within: Context): void
  /** The duration of a poll by the application. */
  readonly receiveDuration: DurationRecorder
  readonly processDuration: DurationRecorder
}

export interface ProducerMetrics {
  startSend(messages: number): void
  /** @param server the broker that all messages went to */
  endSend(send: SendMeasurement, within: Context, server: ServerAddress | undefined, error?: unknown): void
}

export interface SendMeasurement {
  /** A value of `performance.now()`. */
  readonly startedAt: number
  readonly messageCount: number
  /** The size of keys and values. */
  readonly sizeBytes: number
}

export function createMetrics(names: AttributeNames, options: ResolvedOptions): KafkaMetrics {
  const enabledAttributes = options.metrics
  const createAttributes: KafkaMetrics['createAttributes'] = (source, more = {}) => {
    const made: Attributes = {}
    names.put(made, 'system', 'kafka')
    if (enabledAttributes && enabledAttributes.topic) names.put(made, 'destination', source.topic)
    if (enabledAttributes && enabledAttributes.partition)
      names.put(made, 'partition', formatPartition(source.partition))
    names.put(made, 'consumerGroup', source.groupId)
    for (const [field, value] of Object.entries(more)) names.put(made, field as AttributeField, value)
    // SDKs sort the names for every record: sorted input is faster.
    return Object.freeze(Object.fromEntries(Object.entries(made).toSorted(([one], [other]) => (one < other ? -1 : 1))))
  }
  const getServerFields: GetServerFields = (server) =>
    enabledAttributes && enabledAttributes.broker && server !== undefined
      ? { serverAddress: server.address, serverPort: server.port }
      : {}
  const createDurationRecorder = (histogram: Histogram, of: Attributes): DurationRecorder => ({
    record(startedAt, within, error) {
      const seconds = (performance.now() - startedAt) / 1000
      try {
        histogram.record(seconds, addErrorType(names, of, error), within)
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
    getInstruments() {
      if (enabledAttributes === false) return undefined
      const current = options.meterProvider ?? metricsApi.getMeterProvider()
      if (current !== provider) {
        provider = current
        instruments = getInstruments(current, VERSION)
      }
      return instruments
    },
    createAttributes,
    getConsumer: (instruments, source) =>
      getOrCreate(consumers, instruments, source, () =>
        createConsumerMetrics(
          instruments,
          source,
          createAttributes,
          createDurationRecorder,
          getServerFields(source.server),
        ),
      ),
    getProducer(instruments, topic) {
      let topics = producers.get(instruments)
      if (topics === undefined) producers.set(instruments, (topics = new Map()))
      let known = topics.get(topic)
      if (known === undefined) {
        known = createProducerMetrics(names, instruments, topic, createAttributes, getServerFields)
        if (topics.size < MAX_SERIES) topics.set(topic, known)
      }
      return known
    },
    getSettleDuration: (instruments, source, operationName) =>
      createDurationRecorder(
        instruments.operationDuration,
        createAttributes(source, { operationName, operationType: 'settle', ...getServerFields(source.server) }),
      ),
  }
}

type GetServerFields = (server: ServerAddress | undefined) => {
  readonly serverAddress?: string | undefined
  readonly serverPort?: number | undefined
}

function createConsumerMetrics(
  instruments: Instruments,
  source: MessageSource,
  createAttributes: KafkaMetrics['createAttributes'],
  createDurationRecorder: (histogram: Histogram, of: Attributes) => DurationRecorder,
  server: ReturnType<GetServerFields>,
): ConsumerMetrics {
  const sourceAttributes = createAttributes(source)
  // Created by the first message, so that no zero series is exported.
  const counters: Partial<Record<'poll' | 'process', Counter>> = {}
  const getCounter = (operationName: 'poll' | 'process'): Counter =>
    (counters[operationName] ??= instruments.consumedMessages.get(
      createAttributes(source, { operationName, ...server }),
    ))
  const bytes = instruments.consumedBytes.get(sourceAttributes)
  const count = (message: ReceivedMessage, counted: Counter): void => {
    counted.value += 1
    bytes.value += getByteLength(message.key) + getByteLength(message.value)
  }
  const time = (message: ReceivedMessage, within: Context): void => {
    const timestamp = parseTimestamp(message)
    if (timestamp === undefined) return
    // Clocks differ: a record from the future has waited 0 s.
    instruments.endToEndDuration.record(Math.max(0, Date.now() - timestamp) / 1000, sourceAttributes, within)
  }
  return {
    countBatch(delivered, operation, within) {
      // An SDK hashes the attributes per record: ten messages per batch, evenly spread, are timed.
      const step = Math.ceil(delivered.length / MAX_TIMED_PER_BATCH)
      countOnce(delivered, (message, i) => {
        count(message, getCounter(operation))
        if (i % step === 0) time(message, within)
      })
    },
    countMessage(message, within) {
      if (isCounted(message)) return
      count(message, getCounter('process'))
      time(message, within)
    },
    receiveDuration: createDurationRecorder(
      instruments.operationDuration,
      createAttributes(source, { operationName: 'poll', operationType: 'receive', ...server }),
    ),
    processDuration: createDurationRecorder(
      instruments.processDuration,
      createAttributes(source, { operationName: 'process', ...server }),
    ),
  }
}

function createProducerMetrics(
  names: AttributeNames,
  instruments: Instruments,
  topic: string,
  createAttributes: KafkaMetrics['createAttributes'],
  ofServer: GetServerFields,
): ProducerMetrics {
  const source = { topic }
  const sentBytes = instruments.sentBytes.get(createAttributes(source))
  const buffered = instruments.bufferedToSend.get(createAttributes(source))
  // Created by the first send to a broker, so that no zero series is exported.
  const ofBrokers = new WeakMap<object, SendSeries>()
  const createSeries = (server: ServerAddress | undefined): SendSeries => {
    const fields = ofServer(server)
    const messageAttributes = createAttributes(source, { operationName: 'send', ...fields })
    const durationAttributes = createAttributes(source, { operationName: 'send', operationType: 'send', ...fields })
    return { messageAttributes, durationAttributes, sent: undefined }
  }
  const getSeries = (server: ServerAddress | undefined): SendSeries => {
    const key = server ?? UNKNOWN_SERVER
    let known = ofBrokers.get(key)
    if (known === undefined) ofBrokers.set(key, (known = createSeries(server)))
    return known
  }
  return {
    startSend: (messages) => void (buffered.value += messages),
    endSend({ startedAt, messageCount, sizeBytes }, within, server, error) {
      const seconds = (performance.now() - startedAt) / 1000
      try {
        buffered.value -= messageCount
        const series = getSeries(server)
        if (error === undefined) {
          series.sent ??= instruments.sentMessages.get(series.messageAttributes)
          series.sent.value += messageCount
          sentBytes.value += sizeBytes
        } else instruments.sentMessages.get(addErrorType(names, series.messageAttributes, error)).value += messageCount
        instruments.operationDuration.record(seconds, addErrorType(names, series.durationAttributes, error), within)
      } catch (failure) {
        reportFailure('record a send', failure)
      }
    },
  }
}

/** Series of the sends to one broker. */
interface SendSeries {
  readonly messageAttributes: Attributes
  readonly durationAttributes: Attributes
  sent: Counter | undefined
}

const UNKNOWN_SERVER = {}

const MAX_TIMED_PER_BATCH = 10

/** Adds the error's class to `attributes`; `undefined` is no error. */
function addErrorType(names: AttributeNames, attributes: Attributes, error: unknown): Attributes {
  if (error === undefined) return attributes
  const made = { ...attributes }
  names.put(made, 'errorType', getErrorType(error))
  return made
}

function getOrCreate<K extends object, V>(
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
