import { randomBytes } from 'node:crypto'
import { copyFile, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { command } from '../process/command.ts'
import { freePorts } from '../process/free-ports.ts'
import { startGuarded, type GuardedProcess } from '../process/guarded-process.ts'
import { formatStorage, type KafkaJars } from './jars.ts'
import { saslProperties, type SaslUser, scramUsers } from './sasl.ts'
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

export interface BrokerSettings {
  /** Defaults for a single-node test cluster. */
  readonly singleNode: Readonly<Record<string, string>>
  /** The caller's properties, which override the defaults. */
  readonly properties: Readonly<Record<string, string>>
  readonly heapMegabytes: number
  readonly timeout: number
  /** Also listens with TLS. */
  readonly tls: boolean
  /** The user that the TLS listener requires. */
  readonly sasl: SaslUser | undefined
}

/** Starts one combined KRaft node in a JVM and waits until it accepts requests. */
export async function startKafkaJvm(
  jars: KafkaJars,
  settings: BrokerSettings,
  furtherArguments: readonly string[],
): Promise<RunningBroker> {
  for (let attempt = 1; ; attempt++) {
    const [port = 0, controllerPort = 0, tlsPort = 0] = await freePorts(settings.tls ? 3 : 2)
    const dir = await mkdtemp(join(tmpdir(), 'spanlink-kafka-'))
    await copyFile(jars.bootstrapCheckpoint, join(dir, 'bootstrap.checkpoint'))
    await writeFile(join(dir, 'meta.properties'), metaProperties())
    const { sasl } = settings
    if (sasl !== undefined) await formatStorage(jars.java, jars.classpath, dir, scramUsers(sasl))
    const tls = settings.tls ? await tlsKeystore(jars.java, dir) : undefined
    const properties = {
      ...(tls && tlsListener(tls.properties, tlsPort, port, controllerPort, sasl)),
      ...settings.properties,
    }
    await writeFile(
      join(dir, 'server.properties'),
      serverProperties(dir, port, controllerPort, { ...settings, properties }),
    )
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
    // Logged once every listener accepts requests, so clients need not poll.
    const failure = await reached(guarded, 'Kafka Server started', settings.timeout)
    if (!failure) {
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
      throw new Error(`Apache Kafka ${failure}; its last lines:\n${guarded.output()}`)
    }
  }
}

/** Waits for a line that contains `words`; returns an error message, or undefined on success. */
export async function reached(guarded: GuardedProcess, words: string, timeout: number): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined
  try {
    return await Promise.race([
      new Promise<undefined>((resolve) => {
        guarded.onLine((line) => line.includes(words) && resolve(undefined))
      }),
      guarded.ended().then(() => 'ended while starting'),
      new Promise<string>((resolve) => {
        timer = setTimeout(() => resolve(`was not ready within ${timeout} ms`), timeout)
      }),
    ])
  } finally {
    clearTimeout(timer)
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

function serverProperties(dir: string, port: number, controllerPort: number, settings: BrokerSettings): string {
  const properties: Record<string, string> = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    'controller.listener.names': 'CONTROLLER',
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': dir,
    ...settings.singleNode,
    ...settings.properties,
  }
  return Object.entries(properties)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')
}
