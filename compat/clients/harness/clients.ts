import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildGo, buildJava, installPython } from './toolchains.ts'

/**
 * A program under test and its expected results in Spanlink, for the scenario in
 * scenario.ts.
 */
export type Client = {
  /** Also its service, its consumer group and the last part of its topics. */
  readonly name: string
  /** Builds the client; returns its command. Rejects with the missing toolchain. */
  readonly prepare: () => Promise<readonly string[]>
  readonly env?: Readonly<Record<string, string>>
  readonly expected: Expected
}

export type Expected = {
  /** Whether its consumer spans name the group. Without it the service stands for the consumer. */
  readonly namesGroup: boolean
  /** Whether spans of the handler's sends are below the consumer span. */
  readonly tracesHandler: boolean
  /** Lanes of a shipped order that are the client's. */
  readonly lanes: number
  /**
   * Links of its spans to the send of a shipped order: poll, batch and message may each have one.
   */
  readonly backlinks: number
  /** Its consuming spans in the trace of the send. */
  readonly children: number
  /**
   * Other orders that the poll of its second run returned, where a span of that poll is part of the
   * flow.
   */
  readonly joined: number
}

const here = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url))

/**
 * Small programs that live for seconds: compiling their code well would take longer than running
 * it.
 */
const JAVA_ENV = { JAVA_TOOL_OPTIONS: '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xmx128m' }

async function javaCommand(): Promise<readonly string[]> {
  const built = await buildJava('java-agent')
  const agent = join(built, 'lib/opentelemetry-javaagent.jar')
  const classpath = `${join(built, 'classes')}:${join(built, 'lib/*')}`
  return ['java', `-javaagent:${agent}`, '-cp', classpath, 'compat.Main']
}

export const CLIENTS: readonly Client[] = [
  {
    name: 'node-spanlink',
    prepare: async () => [process.execPath, here('node-spanlink/main.ts')],
    expected: { namesGroup: true, tracesHandler: true, lanes: 1, backlinks: 3, children: 0, joined: 1 },
  },
  {
    name: 'node-kafkajs',
    prepare: async () => [process.execPath, '--import', here('node-kafkajs/tracing.ts'), here('node-kafkajs/main.ts')],
    expected: { namesGroup: false, tracesHandler: true, lanes: 1, backlinks: 0, children: 1, joined: 0 },
  },
  {
    name: 'go-kotel',
    prepare: async () => [await buildGo('go-kotel')],
    expected: { namesGroup: true, tracesHandler: true, lanes: 1, backlinks: 0, children: 2, joined: 0 },
  },
  {
    name: 'go-kotel-links',
    prepare: async () => [await buildGo('go-kotel')],
    env: { LINK_SPANS: '1' },
    expected: { namesGroup: true, tracesHandler: true, lanes: 2, backlinks: 1, children: 0, joined: 0 },
  },
  {
    name: 'java-agent',
    prepare: javaCommand,
    env: JAVA_ENV,
    expected: { namesGroup: true, tracesHandler: true, lanes: 1, backlinks: 0, children: 1, joined: 0 },
  },
  {
    name: 'java-agent-receive',
    prepare: javaCommand,
    env: { ...JAVA_ENV, OTEL_INSTRUMENTATION_MESSAGING_EXPERIMENTAL_RECEIVE_TELEMETRY_ENABLED: 'true' },
    expected: { namesGroup: true, tracesHandler: true, lanes: 1, backlinks: 1, children: 0, joined: 1 },
  },
  {
    name: 'python-confluent',
    prepare: async () => [await installPython('python-confluent'), here('python-confluent/main.py')],
    expected: { namesGroup: false, tracesHandler: true, lanes: 1, backlinks: 1, children: 0, joined: 0 },
  },
  {
    name: 'python-aiokafka',
    prepare: async () => [await installPython('python-aiokafka'), here('python-aiokafka/main.py')],
    expected: { namesGroup: true, tracesHandler: false, lanes: 1, backlinks: 0, children: 1, joined: 0 },
  },
]
