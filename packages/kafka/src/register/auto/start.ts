import { diag, DiagLogLevel, ProxyTracerProvider, trace } from '@opentelemetry/api'
// oxlint-disable-next-line no-restricted-imports -- loaded where the SDK is installed
import { NodeSDK } from '@opentelemetry/sdk-node'
import { registerClients } from '../register-clients.ts'
import { readDefaults, withDefaults } from './defaults.ts'
import { createDiagLogger } from './diag-logger.ts'
import { flushAtExit } from './flush-at-exit.ts'
import { createHttpInstrumentation, patchHttp } from './http.ts'
import { createSampler } from './sampler.ts'

export interface StartOptions {
  /** Package of the HTTP instrumentation. @default requests have no spans */
  readonly httpPackage?: string | undefined
  /** Prints one line to stderr. */
  readonly print: (message: string) => void
}

/** Starts the SDK, unless the application or OTEL_SDK_DISABLED has decided, and traces clients. */
export function startTracing({ httpPackage, print }: StartOptions): void {
  const environment = process.env
  if (environment['OTEL_SDK_DISABLED']?.trim().toLowerCase() === 'true') return
  if (hasTracerProvider()) {
    print('an OpenTelemetry SDK is started already. Spans of Kafka clients go there.')
  } else {
    // The SDK sets a logger of its own if OTEL_LOG_LEVEL is set.
    if (!environment['OTEL_LOG_LEVEL']) diag.setLogger(createDiagLogger(print), DiagLogLevel.WARN)
    const sdk = withDefaults(environment, readDefaults(environment, process.argv[1]), () => startSdk(httpPackage))
    flushAtExit(() => sdk.shutdown())
  }
  registerClients({ metrics: true, events: true })
}

function startSdk(httpPackage: string | undefined): NodeSDK {
  const sampler = createSampler(process.env)
  const sdk = new NodeSDK({
    instrumentations: httpPackage === undefined ? [] : [createHttpInstrumentation(httpPackage)],
    ...(sampler && { sampler }),
  })
  sdk.start()
  if (httpPackage !== undefined) patchHttp()
  return sdk
}

function hasTracerProvider(): boolean {
  const provider = trace.getTracerProvider()
  return !(provider instanceof ProxyTracerProvider) || provider.getDelegateTracer('@spanlink/kafka') !== undefined
}
