import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { command } from '../process/command.ts'
import { freePorts } from '../process/free-ports.ts'
import { startGuarded, waitForLine } from '../process/guarded-process.ts'
import { KAFKA_VERSION } from './jars.ts'
import type { BrokerSettings, RunningBroker } from './jvm.ts'
import { SINGLE_NODE, STARTED } from './single-node.ts'

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
  const ready = await waitForLine(guarded, STARTED, settings.timeout + 300_000)
  if (typeof ready === 'string') {
    await end()
    throw new Error(`${IMAGE} ${ready}; its last lines:\n${guarded.output()}`)
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
  const properties = {
    ...SINGLE_NODE,
    'controller.quorum.voters': '1@localhost:9093',
    listeners: 'PLAINTEXT://:9092,CONTROLLER://:9093',
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    ...settings.properties,
  }
  return [
    ['KAFKA_HEAP_OPTS', `-Xmx${settings.heapMegabytes}m`],
    ...Object.entries(properties).map(([key, value]) => [`KAFKA_${key.toUpperCase().replaceAll('.', '_')}`, value]),
  ].flatMap(([key, value]) => ['-e', `${key}=${value}`])
}
