import { classArchiveArguments } from './class-archive.ts'
import { type KafkaJars, kafkaJars } from './jars.ts'
import { dockerProblem, startKafkaDocker } from './docker.ts'
import { type KafkaOptions, startKafkaJvm, type RunningBroker, type TlsListener } from './jvm.ts'
import { createTopic } from './topic.ts'

export interface TopicOptions {
  /** @default 1 */
  readonly partitions?: number
}

export interface KafkaBroker {
  /** `host:port`, as the `brokers` option of clients. */
  readonly brokers: string[]
  /** The listener of `tls: true`; undefined unless Kafka runs from jars. */
  readonly tls: TlsListener | undefined
  /** The broker's process; undefined for the cluster of `KAFKA_BROKERS`. */
  readonly pid: number | undefined
  /** Creates a topic and waits for its leader; an existing topic is left unchanged. */
  readonly createTopic: (name: string, options?: TopicOptions) => Promise<void>
  /** Freezes the broker until `resume()`: connections stay open without responses. */
  readonly pause: () => Promise<void>
  readonly resume: () => void
  /** Rejects with the broker's last output lines if it exits without `stop()`. Never resolves. */
  readonly died: Promise<never>
  /** Stops the broker and removes its data. Idempotent. */
  readonly stop: () => Promise<void>
  readonly [Symbol.asyncDispose]: () => Promise<void>
}

/**
 * Starts Apache Kafka (one KRaft node) on a free port with a temporary directory. It is removed by
 * `stop()` or when this process dies, even by `kill -9`. Runs Maven's jars on Java 17, else
 * Docker's `apache/kafka`, else uses the cluster in `KAFKA_BROKERS`.
 */
export async function startKafka(options: KafkaOptions = {}): Promise<KafkaBroker> {
  const settings = { properties: {}, heapMegabytes: 256, timeout: 60_000, tls: false, ...options }
  const source = await kafkaSource()
  switch (source.kind) {
    case 'jvm':
      return owned(await startKafkaJvm(source.jars, settings, source.jvmArguments))
    case 'docker':
      return owned(await startKafkaDocker(settings))
    case 'external':
      return external(source.brokers)
  }
}

type KafkaSource =
  | { readonly kind: 'jvm'; readonly jars: KafkaJars; readonly jvmArguments: readonly string[] }
  | { readonly kind: 'docker' }
  | { readonly kind: 'external'; readonly brokers: string[] }

/** Finds or downloads a way to run Kafka; throws with the command that would fix it. */
export async function kafkaSource(): Promise<KafkaSource> {
  let reason: string
  try {
    const jars = await kafkaJars()
    return { kind: 'jvm', jars, jvmArguments: await classArchiveArguments(jars) }
  } catch (error) {
    reason = error instanceof Error ? error.message : String(error)
  }
  const docker = await dockerProblem()
  if (docker === undefined) return { kind: 'docker' }
  const brokers = (process.env['KAFKA_BROKERS'] ?? '').split(',').filter((broker) => broker !== '')
  if (brokers.length > 0) return { kind: 'external', brokers }
  throw new Error(
    `No Kafka to test against.\n` +
      `  from Maven: ${reason}\n` +
      `  from Docker: ${docker}\n` +
      `  your own: set KAFKA_BROKERS=host:port`,
  )
}

function owned(running: RunningBroker): KafkaBroker {
  running.process.unref()
  const brokers = [running.broker]
  let stopped: Promise<void> | undefined
  const stop = async (): Promise<void> => await (stopped ??= running.end())
  const died = new Promise<never>((_, reject) => {
    running.process.onEnd((code) => {
      if (!stopped) reject(new Error(`Apache Kafka ended with code ${code}:\n${running.process.output()}`))
    })
  })
  // Avoids an unhandled rejection if the caller does not await it.
  died.catch(() => {})
  return {
    brokers,
    tls: running.tls,
    pid: running.pid,
    died,
    createTopic: async (name, topic) => await createTopic(brokers, name, topic?.partitions ?? 1),
    pause: running.pause,
    resume: running.resume,
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

function external(brokers: string[]): KafkaBroker {
  const cannot = (): never => {
    throw new Error('the cluster of KAFKA_BROKERS is not ours to pause')
  }
  const stop = async (): Promise<void> => {}
  return {
    brokers,
    tls: undefined,
    pid: undefined,
    died: new Promise(() => {}),
    createTopic: async (name, topic) => await createTopic(brokers, name, topic?.partitions ?? 1),
    pause: cannot,
    resume: cannot,
    stop,
    [Symbol.asyncDispose]: stop,
  }
}
