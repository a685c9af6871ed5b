/** What to do to see an application's traces here, step by step. `code` gets the OTLP/HTTP endpoint as the server has it. */
interface Setup {
  readonly id: string
  readonly title: string
  readonly steps: readonly SetupStep[]
}

interface SetupStep {
  readonly title: string
  readonly note?: string
  /** Where the code goes: a file name, or the terminal. */
  readonly file: string
  readonly code: (endpoint: string) => string
}

const environment = (service: string) => (endpoint: string) =>
  `export OTEL_SERVICE_NAME=${service}
export OTEL_EXPORTER_OTLP_ENDPOINT=${endpoint}
export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf`

const node: Setup = {
  id: 'kafkajs',
  title: 'Node.js with kafkajs',
  steps: [
    {
      title: 'Install the plugin and the OpenTelemetry SDK',
      file: 'terminal',
      code: () => 'npm install @spanlink/kafka @opentelemetry/api @opentelemetry/sdk-node',
    },
    {
      title: 'Start the SDK before anything else',
      note: 'It reads the environment of the last step: no address in the code.',
      file: 'tracing.js',
      code: () => `import { NodeSDK } from '@opentelemetry/sdk-node'

const sdk = new NodeSDK()
sdk.start()
process.once('SIGTERM', () => sdk.shutdown())`,
    },
    {
      title: 'Wrap your Kafka client once',
      note: 'Producers and consumers made from it are traced: a span for each send and for each message processed, linked both ways.',
      file: 'kafka.js',
      code: () => `import { Kafka } from 'kafkajs'
import { traceKafkaJS } from '@spanlink/kafka'

export const kafka = traceKafkaJS(new Kafka({ clientId: 'orders', brokers: ['localhost:9092'] }))`,
    },
    {
      title: 'Name the service and run it',
      file: 'terminal',
      code: (endpoint) => `${environment('orders')(endpoint)}
node --import ./tracing.js app.js`,
    },
  ],
}

const any: Setup = {
  id: 'any',
  title: 'Any language',
  steps: [
    {
      title: 'Point any OpenTelemetry SDK or agent here',
      note: 'These variables mean the same in every SDK. Links that the application makes are walkable in both directions without more.',
      file: 'terminal',
      code: environment('my-service'),
    },
  ],
}

const collector: Setup = {
  id: 'collector',
  title: 'OpenTelemetry Collector',
  steps: [
    {
      title: 'Add an exporter to your pipeline',
      file: 'config.yaml',
      code: (endpoint) => `exporters:
  otlphttp/spanlink:
    endpoint: ${endpoint}

service:
  pipelines:
    traces:
      exporters: [otlphttp/spanlink]`,
    },
  ],
}

const curl: Setup = {
  id: 'curl',
  title: 'Just try it',
  steps: [
    {
      title: 'Send one span by hand',
      note: 'It appears under Traces within a second.',
      file: 'terminal',
      code: (endpoint) => `now=$(date +%s)000000000
curl ${endpoint}/v1/traces -H 'content-type: application/json' -d '{"resourceSpans":[{
  "resource":{"attributes":[{"key":"service.name","value":{"stringValue":"hello"}}]},
  "scopeSpans":[{"spans":[{"traceId":"'$(openssl rand -hex 16)'","spanId":"'$(openssl rand -hex 8)'",
    "name":"first span","kind":1,"startTimeUnixNano":"'$now'","endTimeUnixNano":"'$now'"}]}]}]}'`,
    },
  ],
}

export const setups = [node, any, collector, curl] as const
