import type { Attributes } from '@opentelemetry/api'
import type { AttributeField } from '../semconv.ts'
import { quietly } from '../core/diagnostics.ts'
import { errorType } from '../core/span/errors.ts'
import type { KafkaMetrics } from './metrics.ts'
import type { MetricsOptions } from '../options.ts'
import type { MessageSource } from '../core/source.ts'
import type { KafkaTelemetry } from '../core/telemetry.ts'
import type { Count, Counts } from './counters.ts'
import type { Instruments } from './instruments.ts'
import { watchSockets } from './sockets.ts'
import type { Broker, SocketListener } from './sockets.ts'

/**
 * Metrics of one client: of its connections, requests and group. Adapters tell what their client
 * tells; nothing here throws.
 */
export interface ClientMetrics extends SocketListener {
  /**
   * Of clients that tell totals: attempts, those that failed included, and connections that were
   * closed.
   */
  connectsAndDisconnects(broker: Broker, connects: number, disconnects: number): void
  /** How many of the connections of that name are open. */
  openConnections(broker: Broker, name: string, open: number): void
  request(broker: Broker, name: string, seconds: { readonly took: number; readonly waited?: number }): void
  requestTimedOut(broker: Broker, name: string): void
  queuedRequests(broker: Broker, size: number): void
  /** `topic` where the client tells. */
  retried(topic: string | undefined, times: number): void
  rebalancing(): void
  joined(seconds: number): void
  crashed(error: unknown): void
  /** `error` if it failed. */
  committed(error?: unknown): void
  batchBegun(source: MessageSource): void
  /** Messages of a partition that were fetched and aren't processed. */
  buffered(source: MessageSource, messages: number): void
  /** Messages of a partition behind its high watermark, as far as the client knows. */
  lag(source: MessageSource, messages: number): void
  /** Partitions for which `isAssigned` is false have no lag and no buffer any more. */
  assigned(isAssigned: (source: MessageSource) => boolean): void
  /** The client ended, so all levels that it told are 0. */
  ended(): void
}

interface ExposedMetrics {
  readonly metrics: KafkaMetrics
  readonly options: MetricsOptions | false
}

const metricsOf = new WeakMap<KafkaTelemetry, () => ExposedMetrics | undefined>()

/**
 * Makes the metrics of `telemetry` known to adapters, which get a `KafkaTelemetry` and nothing
 * else.
 */
export function exposeMetrics(telemetry: KafkaTelemetry, metrics: KafkaMetrics, options: MetricsOptions | false): void {
  const exposed = { metrics, options }
  metricsOf.set(telemetry, () => exposed)
}

/** Makes the metrics of `telemetry` those of the one it stands for, if there is any at the time. */
export function exposeMetricsOf(telemetry: KafkaTelemetry, current: () => KafkaTelemetry | undefined): void {
  metricsOf.set(telemetry, () => {
    const now = current()
    return now && metricsOf.get(now)?.()
  })
}

/**
 * Metrics of a client that is about to connect, or undefined where nobody collects: then there is
 * nothing to listen for.
 * @param groupId of a consumer
 */
export function clientMetrics(telemetry: KafkaTelemetry, groupId?: string): ClientMetrics | undefined {
  const expose = metricsOf.get(telemetry)
  const exposed = expose?.()
  const instruments = exposed?.metrics.instruments()
  if (exposed === undefined || instruments === undefined || exposed.options === false) return undefined
  return createClientMetrics(exposed.metrics, instruments, exposed.options, groupId, () => expose?.() !== undefined)
}

/**
 * The same whenever it is asked for, of a client that lives while providers come: its levels are
 * kept as long as nothing changes.
 */
export function laterClientMetrics(telemetry: KafkaTelemetry, groupId?: string): () => ClientMetrics | undefined {
  let made: { readonly of: Instruments; readonly metrics: ClientMetrics | undefined } | undefined
  return () => {
    const instruments = metricsOf.get(telemetry)?.()?.metrics.instruments()
    if (instruments === undefined) return undefined
    if (made?.of !== instruments) made = { of: instruments, metrics: clientMetrics(telemetry, groupId) }
    return made.metrics
  }
}

const instrumentsOf = new WeakMap<ClientMetrics, Instruments>()
const refreshes = new WeakMap<Instruments, Set<() => void>>()

/**
 * Calls `refresh` before each collection of the provider that `metrics` are for, to bring levels up
 * to date that nobody tells.
 * @returns what ends that
 */
export function refreshBeforeCollection(metrics: ClientMetrics, refresh: () => void): () => void {
  const instruments = instrumentsOf.get(metrics)
  if (instruments === undefined) return () => {}
  let known = refreshes.get(instruments)
  if (known === undefined) {
    const all = (known = new Set())
    refreshes.set(instruments, all)
    instruments.bufferedToProcess.beforeCollection(() => all.forEach((one) => one()))
  }
  const all = known.add(refresh)
  return () => void all.delete(refresh)
}

function createClientMetrics(
  metrics: KafkaMetrics,
  instruments: Instruments,
  options: MetricsOptions,
  groupId: string | undefined,
  isEnabled: () => boolean,
): ClientMetrics {
  type Fields = Partial<Record<AttributeField, string | number | undefined>>
  const group = { groupId }
  const at = ({ address, port }: Broker, more?: Fields): Attributes =>
    metrics.attributes({}, { ...(options.broker ? { serverAddress: address, serverPort: port } : {}), ...more })
  const failure = (error: unknown): Fields => (error === undefined ? {} : { errorType: failureType(error) })
  const change = (counts: Counts, attributes: Attributes, amount: number): void =>
    quietly('count', () => void (counts.of(attributes).value += amount))
  // Levels go on while nothing is counted, as they would be wrong for ever after.
  const add = (counts: Counts, attributes: Attributes, amount = 1): void => {
    if (isEnabled()) change(counts, attributes, amount)
  }
  const levels = new Levels()
  watchIo(instruments)

  const made: ClientMetrics = {
    connected(broker) {
      add(instruments.connects, at(broker))
      change(instruments.connections, at(broker), 1)
    },
    failed: (broker, error) => add(instruments.connects, at(broker, failure(error ?? null))),
    disconnected(broker, error) {
      add(instruments.disconnects, at(broker, failure(error)))
      change(instruments.connections, at(broker), -1)
    },
    connectsAndDisconnects(broker, connects, disconnects) {
      if (connects > 0) add(instruments.connects, at(broker), connects)
      if (disconnects > 0) add(instruments.disconnects, at(broker), disconnects)
    },
    openConnections: (broker, name, open) =>
      levels.set(instruments.connections, at(broker), `connections ${name}`, open),
    io(broker, read, written) {
      add(instruments.io, at(broker, { ioDirection: 'receive' }), read)
      add(instruments.io, at(broker, { ioDirection: 'transmit' }), written)
    },
    request(broker, requestName, { took, waited }) {
      if (!isEnabled()) return
      quietly('record a request', () => {
        const attributes = at(broker, { requestName })
        instruments.requestDuration.record(took, attributes)
        if (waited !== undefined) instruments.requestWait.record(waited, attributes)
      })
    },
    requestTimedOut: (broker, requestName) => add(instruments.requestTimeouts, at(broker, { requestName })),
    queuedRequests: (broker, size) =>
      levels.set(instruments.queuedRequests, at(broker), `${broker.address}:${broker.port}`, size),
    retried: (topic, times) => add(instruments.retries, metrics.attributes({ topic }), times),
    rebalancing: () => add(instruments.rebalances, metrics.attributes(group)),
    joined(seconds) {
      if (!isEnabled()) return
      quietly('record a join', () => instruments.joinDuration.record(seconds, metrics.attributes(group)))
    },
    crashed: (error) => add(instruments.crashes, metrics.attributes(group, failure(error ?? null))),
    committed: (error) => add(instruments.commits, metrics.attributes(group, failure(error))),
    batchBegun: (source) => add(instruments.consumedBatches, metrics.attributes(source)),
    buffered: (source, messages) =>
      levels.set(
        instruments.bufferedToProcess,
        metrics.attributes(source),
        `buffer ${partName(source)}`,
        messages,
        source,
      ),
    lag: (source, messages) =>
      levels.setKnown(
        instruments.lag,
        metrics.attributes(source, { clusterId: source.clusterId }),
        `lag ${partName(source)}`,
        messages,
        source,
      ),
    assigned: (isAssigned) => levels.drop(isAssigned),
    ended: () => levels.clear(),
  }
  instrumentsOf.set(made, instruments)
  return made
}

function partName({ topic, partition }: MessageSource): string {
  return `${partition} ${topic}`
}

interface Part {
  readonly count: Count
  value: number
  readonly source: MessageSource | undefined
  set(to: number): void
}

/** Sums under an attribute set whose parts (brokers, partitions) are set one by one. */
class Levels {
  readonly #parts = new Map<string, Part>()

  set(counts: Counts, attributes: Attributes, part: string, to: number, source?: MessageSource): void {
    quietly('set a level', () => {
      let known = this.#parts.get(part)
      if (known === undefined) {
        const count = counts.of(attributes)
        known = {
          count,
          value: 0,
          source,
          set(value) {
            count.value += value - this.value
            this.value = value
          },
        }
        this.#parts.set(part, known)
      }
      known.set(to)
    })
  }

  /** The same for a level that is unknown, not 0, when none of its parts is left. */
  setKnown(counts: Counts, attributes: Attributes, part: string, to: number, source: MessageSource): void {
    const isNew = !this.#parts.has(part)
    this.set(counts, attributes, part, to, source)
    const count = this.#parts.get(part)?.count
    if (isNew && count !== undefined) count.parts = (count.parts ?? 0) + 1
  }

  clear(): void {
    for (const [part, known] of this.#parts) this.#remove(part, known)
  }

  #remove(part: string, known: Part): void {
    known.set(0)
    this.#parts.delete(part)
    if (known.count.parts !== undefined) known.count.parts -= 1
  }

  drop(isKept: (source: MessageSource) => boolean): void {
    for (const [part, known] of this.#parts) {
      if (known.source === undefined || isKept(known.source)) continue
      this.#remove(part, known)
    }
  }
}

const watchedIo = new WeakSet<Instruments>()

function watchIo(instruments: Instruments): void {
  if (watchedIo.has(instruments)) return
  watchedIo.add(instruments)
  instruments.io.beforeCollection(() => watchSockets().refresh())
}

// Errors of sockets are all named 'Error'; their code is what tells them apart.
function failureType(error: unknown): string {
  const code = (error as { readonly code?: unknown } | null)?.code
  return typeof code === 'string' && code !== '' ? code : errorType(error)
}
