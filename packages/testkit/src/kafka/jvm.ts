import { randomBytes } from 'node:crypto'
import { copyFile, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { command } from '../process/command.ts'
import { freePorts } from '../process/free-ports.ts'
import { startGuarded, waitForLine, type GuardedProcess } from '../process/guarded-process.ts'
import { formatStorage, type KafkaJars } from './jars.ts'
import { saslProperties, type SaslUser, scramUsers } from './sasl.ts'
import { SINGLE_NODE, STARTED } from './single-node.ts'
import { tlsKeystore } from './tls.ts'

export interface TlsListener {
  /** `host:port` */
  readonly broker: string
  /** Its self-signed certificate in PEM format. */
  readonly certificate: string
}

export interface RunningBroker {
  readonly broker: string
  readonly tls: TlsListener | undefined
  /** PID of the JVM; undefined in a container. */
  readonly pid: number | undefined
  readonly process: GuardedProcess
  readonly pause: () => Promise<void>
  readonly resume: () => void
  readonly end: () => Promise<void>
}

export interface KafkaOptions {
  /** Broker properties that override the defaults, such as `auto.create.topics.enable`. */
  readonly properties?: Readonly<Record<string, string>>
  /** Maximum JVM heap in megabytes. @default 256 */
  readonly heapMegabytes?: number
  /** Also listens with TLS, with a self-signed certificate. @default false */
  readonly tls?: boolean
  /**
   * With `tls`: the user that this listener requires, by PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512.
   * @default none
   */
  readonly sasl?: SaslUser
  /** Time for the broker to become ready, in milliseconds. @default 60000 */
  readonly timeout?: number
}

export type BrokerSettings = Required<Omit<KafkaOptions, 'sasl'>> & Pick<KafkaOptions, 'sasl'>

/** Starts one combined KRaft node in a JVM and waits until it accepts requests. */
export async function startKafkaJvm(
  jars: KafkaJars,
  settings: BrokerSettings,
  furtherArguments: readonly string[],
): Promise<RunningBroker> {
  for (let attempt = 1; ; attempt++) {
    const { sasl } = settings
    const [port = 0, controllerPort = 0, tlsPort = 0] = await freePorts(settings.tls ? 3 : 2)
    const dir = await mkdtemp(join(tmpdir(), 'spanlink-kafka-'))
    await copyFile(jars.bootstrapCheckpoint, join(dir, 'bootstrap.checkpoint'))
    await writeFile(join(dir, 'meta.properties'), metaProperties())
    if (sasl !== undefined) await formatStorage(jars.java, jars.classpath, dir, scramUsers(sasl))
    const tls = settings.tls ? await tlsKeystore(jars.java, dir) : undefined
    const properties = {
      ...(tls && tlsListener(tls.properties, tlsPort, port, controllerPort, sasl)),
      ...settings.properties,
    }
    await writeFile(join(dir, 'server.properties'), serverProperties(dir, port, controllerPort, properties))
    const guarded = await startGuarded(
      [jars.java, ...furtherArguments, ...jvmArguments(jars, dir, settings.heapMegabytes)],
      {
        directory: dir,
      },
    )
    const signal = (name: NodeJS.Signals): void => {
      if (!guarded.hasEnded()) process.kill(guarded.pid, name)
    }
    const end = async (): Promise<void> => {
      // Its data is discarded, so an orderly shutdown has no use.
      signal('SIGKILL')
      await guarded.ended()
    }
    const ready = await waitForLine(guarded, STARTED, settings.timeout)
    if (typeof ready !== 'string') {
      return {
        broker: `127.0.0.1:${port}`,
        tls: tls && { broker: `127.0.0.1:${tlsPort}`, certificate: tls.certificate },
        pid: guarded.pid,
        process: guarded,
        pause: async () => {
          signal('SIGSTOP')
          while (!guarded.hasEnded() && !(await isStopped(guarded.pid))) await sleep(1)
        },
        resume: () => signal('SIGCONT'),
        end,
      }
    }
    await end()
    // Another process may take the port before the broker binds it.
    if (attempt === 3 || !guarded.output().includes('Address already in use')) {
      throw new Error(`Apache Kafka ${ready}; its last lines:\n${guarded.output()}`)
    }
  }
}

/** A thread may run for some milliseconds after the signal. */
async function isStopped(pid: number): Promise<boolean> {
  const eachThread = process.platform === 'linux' ? ['-L'] : []
  const { code, stdout } = await command('ps', [...eachThread, '-o', 'stat=', '-p', String(pid)])
  const states = stdout.trim().split('\n')
  return code === null || states.every((state) => state.startsWith('T'))
}

/**
 * Measured on two cores: 280 MB resident. C2 and a parallel GC only slow down a short-lived broker.
 */
function jvmArguments(jars: KafkaJars, dir: string, heapMegabytes: number): string[] {
  return [
    `-Xmx${heapMegabytes}m`,
    '-XX:+UseSerialGC',
    '-XX:TieredStopAtLevel=1',
    '-Djava.awt.headless=true',
    '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
    '-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info',
    '-cp',
    jars.classpath,
    'kafka.Kafka',
    join(dir, 'server.properties'),
  ]
}

function metaProperties(): string {
  return `version=1\ncluster.id=${uuid()}\nnode.id=1\ndirectory.id=${uuid()}\n`
}

/**
 * A Kafka id: 16 bytes in URL-safe base64. A leading dash is valid on disk but not on Kafka's
 * command lines.
 */
function uuid(): string {
  return randomBytes(16).toString('base64url')
}

function tlsListener(
  keystore: Readonly<Record<string, string>>,
  tlsPort: number,
  port: number,
  controllerPort: number,
  sasl: SaslUser | undefined,
): Record<string, string> {
  const name = sasl === undefined ? 'SSL' : 'SASL_SSL'
  return {
    ...keystore,
    ...(sasl && saslProperties(sasl)),
    listeners: `PLAINTEXT://127.0.0.1:${port},${name}://127.0.0.1:${tlsPort},CONTROLLER://127.0.0.1:${controllerPort}`,
    'listener.security.protocol.map': `PLAINTEXT:PLAINTEXT,${name}:${name},CONTROLLER:PLAINTEXT`,
  }
}

function serverProperties(
  dir: string,
  port: number,
  controllerPort: number,
  overrides: Readonly<Record<string, string>>,
): string {
  const properties = {
    ...SINGLE_NODE,
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'log.dirs': dir,
    ...overrides,
  }
  return Object.entries(properties)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')
}
