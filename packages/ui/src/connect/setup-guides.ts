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

/** What the plugin's one flag sends to without OTEL_EXPORTER_OTLP_ENDPOINT. */
const DEFAULT_ENDPOINT = 'http://127.0.0.1:4318'

const environment = (service: string) => (endpoint: string) =>
  `export OTEL_SERVICE_NAME=${service}
export OTEL_EXPORTER_OTLP_ENDPOINT=${endpoint}
export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf`

const TOKEN_NOTE =
  "If the server requires a token (spanlink token create --role ingest), also export OTEL_EXPORTER_OTLP_HEADERS='Authorization=Bearer%20TOKEN'."

const node: Setup = {
  id: 'node',
  title: 'Node.js',
  steps: [
    {
      title: 'Install the plugin and the OpenTelemetry SDK',
      file: 'terminal',
      code: () => 'npm install @spanlink/kafka @opentelemetry/sdk-node @opentelemetry/instrumentation-http',
    },
    {
      title: 'Run your application with one flag',
      note: `HTTP requests and the messages of kafkajs, Confluent's client, node-rdkafka and @platformatic/kafka get spans; consumers link to producers. ${TOKEN_NOTE}`,
      file: 'terminal',
      code: (endpoint) => `export OTEL_SERVICE_NAME=orders${
        endpoint === DEFAULT_ENDPOINT ? '' : `\nexport OTEL_EXPORTER_OTLP_ENDPOINT=${endpoint}`
      }
node --import @spanlink/kafka/auto app.js`,
    },
  ],
}

const ownSdk: Setup = {
  id: 'kafkajs',
  title: 'Node.js with an SDK of your own',
  steps: [
    {
      title: 'Install the plugin',
      file: 'terminal',
      code: () => 'npm install @spanlink/kafka @opentelemetry/api',
    },
    {
      title: 'Wrap your Kafka client once',
      note: 'Or change no code: node --import ./tracing.js --import @spanlink/kafka/register app.js. Other clients: traceConfluent, traceRdkafka, tracePlatformatic.',
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

export const setups = [node, ownSdk, any, collector, curl] as const
