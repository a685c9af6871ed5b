import type { Attributes } from '@opentelemetry/api'
import { safely } from '../core/diagnostics.ts'
import type { Instrumentation } from '../core/instrumentation.ts'
import type { MessageSource, ServerAddress } from '../core/source.ts'
import { getErrorType } from '../core/span/errors.ts'
import type { Tracing } from '../core/span/tracing.ts'
import type { AttributeField } from '../semconv.ts'
import type { Counter, CounterSet } from './counters.ts'
import type { Instruments } from './instruments.ts'
import type { SocketListener } from './sockets.ts'

/** Metrics of one client's connections, requests and group. Nothing here throws. */
export interface ClientMetrics extends SocketListener {
  /** Adds to the totals of attempts, failed ones included, and of closed connections. */
  countConnections(broker: ServerAddress, connects: number, disconnects: number): void
  /** Sets how many of the connections called `name` are open. */
  setOpenConnections(broker: ServerAddress, name: string, open: number): void
  recordRequest(
    broker: ServerAddress,
    name: string,
    times: { readonly durationSeconds: number; readonly waitSeconds?: number },
  ): void
  countRequestTimeout(broker: ServerAddress, name: string): void
  setQueuedRequests(broker: ServerAddress, size: number): void
  /** @param topic undefined if the client does not report it */
  countRetries(topic: string | undefined, retries: number): void
  countRebalance(): void
  recordJoin(seconds: number): void
  countCrash(error: unknown): void
  /** @param error set if the commit failed */
  countCommit(error?: unknown): void
  countBatch(source: MessageSource): void
  /** Sets the number of messages of a partition that are fetched and not processed. */
  setBuffered(source: MessageSource, messages: number): void
  /** Sets how many messages a partition is behind its high watermark. */
  setLag(source: MessageSource, messages: number): void
  /** Removes lag and buffer of the partitions that are not assigned. */
  dropUnassigned(isAssigned: (source: MessageSource) => boolean): void
  /** Sets all levels of a client that disconnected to 0. */
  reset(): void
  /** Calls `refresh` before each collection. @returns a function that stops it */
  beforeCollection(refresh: () => void): () => void
}

/**
 * Creates the metrics of a client that is about to connect; undefined without a meter provider:
 * then adapters need no listeners.
 * @param groupId set for consumers
 */
export function createClientMetrics(instrumentation: Instrumentation, groupId?: string): ClientMetrics | undefined {
  const tracing = instrumentation.getTracing()
  const instruments = tracing?.metrics.getInstruments()
  if (tracing === undefined || instruments === undefined) return undefined
  return bindInstruments(tracing, instruments, groupId, () => instrumentation.getTracing() !== undefined)
}

/** Returns a getter for clients that may be older than the meter provider; keeps its levels. */
export function createClientMetricsGetter(
  instrumentation: Instrumentation,
  groupId?: string,
): () => ClientMetrics | undefined {
  let known: { readonly instruments: Instruments; readonly metrics: ClientMetrics | undefined } | undefined
  return () => {
    const instruments = instrumentation.getTracing()?.metrics.getInstruments()
    if (instruments === undefined) return undefined
    if (known?.instruments !== instruments) {
      known = { instruments, metrics: createClientMetrics(instrumentation, groupId) }
    }
    return known.metrics
  }
}

function bindInstruments(
  { metrics, options }: Tracing,
  instruments: Instruments,
  groupId: string | undefined,
  isEnabled: () => boolean,
): ClientMetrics {
  type Fields = Partial<Record<AttributeField, string | number | undefined>>
  const group = { groupId }
  const hasBroker = options.metrics && options.metrics.broker
  const toAttributes = ({ address, port }: ServerAddress, more?: Fields): Attributes =>
    metrics.createAttributes({}, { ...(hasBroker ? { serverAddress: address, serverPort: port } : {}), ...more })
  const toFields = (error: unknown): Fields => (error === undefined ? {} : { errorType: getSocketErrorType(error) })
  const change = (counters: CounterSet, attributes: Attributes, amount: number): void =>
    safely('count', () => void (counters.get(attributes).value += amount))
  const add = (counters: CounterSet, attributes: Attributes, amount = 1): void => {
    if (isEnabled()) change(counters, attributes, amount)
  }
  const levels = new Levels()

  return {
    onConnect(broker) {
      add(instruments.connects, toAttributes(broker))
      // Levels change while telemetry is disabled, too: they would stay wrong afterwards.
      change(instruments.connections, toAttributes(broker), 1)
    },
    onConnectFailure: (broker, error) => add(instruments.connects, toAttributes(broker, toFields(error ?? null))),
    onDisconnect(broker, error) {
      add(instruments.disconnects, toAttributes(broker, toFields(error)))
      change(instruments.connections, toAttributes(broker), -1)
    },
    countConnections(broker, connects, disconnects) {
      if (connects > 0) add(instruments.connects, toAttributes(broker), connects)
      if (disconnects > 0) add(instruments.disconnects, toAttributes(broker), disconnects)
    },
    setOpenConnections: (broker, name, open) =>
      levels.set(instruments.connections, toAttributes(broker), `connections ${name}`, open),
    onBytes(broker, read, written) {
      add(instruments.io, toAttributes(broker, { ioDirection: 'receive' }), read)
      add(instruments.io, toAttributes(broker, { ioDirection: 'transmit' }), written)
    },
    recordRequest(broker, requestName, { durationSeconds, waitSeconds }) {
      if (!isEnabled()) return
      safely('record a request', () => {
        const attributes = toAttributes(broker, { requestName })
        instruments.requestDuration.record(durationSeconds, attributes)
        if (waitSeconds !== undefined) instruments.requestWait.record(waitSeconds, attributes)
      })
    },
    countRequestTimeout: (broker, requestName) =>
      add(instruments.requestTimeouts, toAttributes(broker, { requestName })),
    setQueuedRequests: (broker, size) =>
      levels.set(instruments.queuedRequests, toAttributes(broker), `${broker.address}:${broker.port}`, size),
    countRetries: (topic, retries) => add(instruments.retries, metrics.createAttributes({ topic }), retries),
    countRebalance: () => add(instruments.rebalances, metrics.createAttributes(group)),
    recordJoin(seconds) {
      if (!isEnabled()) return
      safely('record a join', () => instruments.joinDuration.record(seconds, metrics.createAttributes(group)))
    },
    countCrash: (error) => add(instruments.crashes, metrics.createAttributes(group, toFields(error ?? null))),
    countCommit: (error) => add(instruments.commits, metrics.createAttributes(group, toFields(error))),
    countBatch: (source) => add(instruments.consumedBatches, metrics.createAttributes(source)),
    setBuffered: (source, messages) =>
      levels.set(
        instruments.bufferedToProcess,
        metrics.createAttributes(source),
        `buffer ${formatPart(source)}`,
        messages,
        source,
      ),
    setLag: (source, messages) =>
      levels.setKnown(
        instruments.lag,
        metrics.createAttributes(source, { clusterId: source.clusterId }),
        `lag ${formatPart(source)}`,
        messages,
        source,
      ),
    dropUnassigned: (isAssigned) => levels.drop(isAssigned),
    reset: () => levels.drop(),
    beforeCollection: (refresh) => instruments.bufferedToProcess.beforeCollection(refresh),
  }
}

function formatPart({ topic, partition }: MessageSource): string {
  return `${partition} ${topic}`
}

interface Part {
  readonly counter: Counter
  value: number
  readonly source: MessageSource | undefined
  set(to: number): void
}

/** Sums under an attribute set whose parts (brokers, partitions) are set one by one. */
class Levels {
  readonly #parts = new Map<string, Part>()

  set(counters: CounterSet, attributes: Attributes, name: string, to: number, source?: MessageSource): void {
    safely('set a level', () => {
      let part = this.#parts.get(name)
      if (part === undefined) {
        const counter = counters.get(attributes)
        part = {
          counter,
          value: 0,
          source,
          set(value) {
            counter.value += value - this.value
            this.value = value
          },
        }
        this.#parts.set(name, part)
      }
      part.set(to)
    })
  }

  /** Sets a level that is unknown, and not 0, when no part of it is left. */
  setKnown(counters: CounterSet, attributes: Attributes, name: string, to: number, source: MessageSource): void {
    const isNew = !this.#parts.has(name)
    this.set(counters, attributes, name, to, source)
    const counter = this.#parts.get(name)?.counter
    if (isNew && counter !== undefined) counter.partCount = (counter.partCount ?? 0) + 1
  }

  /** Removes the parts of sources that `isKept` refuses; without it, all parts. */
  drop(isKept?: (source: MessageSource) => boolean): void {
    for (const [name, part] of this.#parts) {
      if (isKept !== undefined && (part.source === undefined || isKept(part.source))) continue
      part.set(0)
      this.#parts.delete(name)
      if (part.counter.partCount !== undefined) part.counter.partCount -= 1
    }
  }
}

// Errors of sockets are all named 'Error': their code distinguishes them.
function getSocketErrorType(error: unknown): string {
  const code = (error as { readonly code?: unknown } | null)?.code
  return typeof code === 'string' && code !== '' ? code : getErrorType(error)
}
