/**
 * Steps to send traces of an application here. `code` gets the OTLP/HTTP endpoint as the server
 * reports it.
 */
interface Setup {
  readonly id: string
  readonly title: string
  readonly steps: readonly SetupStep[]
}

interface SetupStep {
  readonly title: string
  readonly note?: string
  /** The code's destination: a file name, or the terminal. */
  readonly file: string
  readonly code: (endpoint: string) => string
}

const environment = (service: string) => (endpoint: string) =>
  `export OTEL_SERVICE_NAME=${service}
export OTEL_EXPORTER_OTLP_ENDPOINT=${endpoint}
export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf`

const TOKEN_NOTE =
  "If the server requires a token (spanlink token create --role ingest), also export OTEL_EXPORTER_OTLP_HEADERS='Authorization=Bearer%20TOKEN'."

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
      note: 'The SDK reads its endpoint from the environment variables of the last step.',
      file: 'tracing.js',
      code: () => `import { NodeSDK } from '@opentelemetry/sdk-node'

const sdk = new NodeSDK()
sdk.start()
// Unless your application handles signals and exits itself.
process.once('SIGTERM', () => sdk.shutdown().finally(() => process.exit(0)))`,
    },
    {
      title: 'Wrap your Kafka client once',
      note: 'Sends, messages and batches get spans; consumers link to producers. Other clients: traceConfluent, traceRdkafka, tracePlatformatic.',
      file: 'kafka.js',
      code: () => `import { Kafka } from 'kafkajs'
import { traceKafkaJS } from '@spanlink/kafka'

export const kafka = traceKafkaJS(new Kafka({ clientId: 'orders', brokers: ['localhost:9092'] }))`,
    },
    {
      title: 'Set the service name and run',
      note: TOKEN_NOTE,
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
      title: 'Configure the OTLP exporter',
      note: `Every OpenTelemetry SDK reads these variables. ${TOKEN_NOTE}`,
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
      title: 'Add an exporter to your pipelines',
      note: 'Add the exporter to your existing pipelines.',
      file: 'config.yaml',
      code: (endpoint) => `exporters:
  otlphttp/spanlink:
    endpoint: ${endpoint}

service:
  pipelines:
    traces:
      receivers: [otlp]
      exporters: [otlphttp/spanlink]
    metrics:
      receivers: [otlp]
      exporters: [otlphttp/spanlink]
    logs:
      receivers: [otlp]
      exporters: [otlphttp/spanlink]`,
    },
  ],
}

const curl: Setup = {
  id: 'curl',
  title: 'Quick test',
  steps: [
    {
      title: 'Send one span with curl',
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
