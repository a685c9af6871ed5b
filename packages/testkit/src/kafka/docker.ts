import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { command } from '../process/command.ts'
import { freePorts } from '../process/free-ports.ts'
import { startGuarded } from '../process/guarded-process.ts'
import { KAFKA_VERSION } from './jars.ts'
import { reached, type BrokerSettings, type RunningBroker } from './jvm.ts'

/** The reason why Docker is not usable, or undefined if its daemon responds. */
export async function dockerProblem(): Promise<string | undefined> {
  const { code, stderr } = await command('docker', ['version', '--format', '{{.Server.Version}}'], { timeout: 10_000 })
  if (code === 0) return undefined
  return stderr.trim().split('\n')[0] || 'the docker engine does not answer'
}

/** Starts the same single node from the image `apache/kafka`. */
export async function startKafkaDocker(settings: BrokerSettings): Promise<RunningBroker> {
  const [port = 0] = await freePorts(1)
  const dir = await mkdtemp(join(tmpdir(), 'spanlink-kafka-'))
  const name = basename(dir).toLowerCase()
  const guarded = await startGuarded(
    ['docker', 'run', '--rm', '--name', name, '-p', `127.0.0.1:${port}:9092`, ...environment(port, settings), IMAGE],
    { directory: dir, onOrphaned: `docker rm -f ${name}; kill -9 $program` },
  )
  const end = async (): Promise<void> => {
    await command('docker', ['rm', '-f', name])
    await guarded.ended()
  }
  // The first start pulls the image, at least 150 MB.
  const failure = await reached(guarded, 'Kafka Server started', settings.timeout + 300_000)
  if (failure) {
    await end()
    throw new Error(`${IMAGE} ${failure}; its last lines:\n${guarded.output()}`)
  }
  return {
    broker: `127.0.0.1:${port}`,
    // Not supported: the keystore would have to be in the container.
    tls: undefined,
    pid: undefined,
    process: guarded,
    pause: async () => void (await command('docker', ['pause', name])),
    resume: () => void command('docker', ['unpause', name]),
    end,
  }
}

const IMAGE = `apache/kafka:${KAFKA_VERSION}`

/**
 * The image takes broker properties as `KAFKA_` plus the name in capitals, with underscores for
 * dots. Listener addresses are those inside the container.
 */
function environment(port: number, settings: BrokerSettings): string[] {
  const properties: Record<string, string> = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': '1@localhost:9093',
    'controller.listener.names': 'CONTROLLER',
    listeners: 'PLAINTEXT://:9092,CONTROLLER://:9093',
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    ...settings.singleNode,
    ...settings.properties,
  }
  return [
    ['KAFKA_HEAP_OPTS', `-Xmx${settings.heapMegabytes}m`],
    ...Object.entries(properties).map(([key, value]) => [`KAFKA_${key.toUpperCase().replaceAll('.', '_')}`, value]),
  ].flatMap(([key, value]) => ['-e', `${key}=${value}`])
}
