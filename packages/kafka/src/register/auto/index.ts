// node --import @spanlink/kafka/auto app.js
// Starts the OpenTelemetry SDK with HTTP instrumentation and traces all supported Kafka clients,
// configured by OTEL_* variables. The packages are optional: without them the application runs on.
import * as nodeModule from 'node:module'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'

const SDK_PACKAGES = ['@opentelemetry/api', '@opentelemetry/sdk-node']
const HTTP_PACKAGE = '@opentelemetry/instrumentation-http'
const STARTED = Symbol.for('@spanlink/kafka/auto')

// `require` loads a module only after its packages were found, and works in CommonJS, unlike a
// top-level await.
const require = nodeModule.createRequire(import.meta.url)

startUnlessStarted()

function startUnlessStarted(): void {
  if (STARTED in globalThis) return
  Object.defineProperty(globalThis, STARTED, { value: true })
  if (typeof nodeModule.registerHooks !== 'function') {
    print(`it needs Node 22.15 or newer, this is ${process.versions.node}. Nothing is traced.`)
    return
  }
  const missing = [...SDK_PACKAGES, HTTP_PACKAGE].filter((name) => !isInstalled(name))
  const isHttpOnly = missing.length === 1 && missing[0] === HTTP_PACKAGE
  if (missing.length > 0) {
    const effect = isHttpOnly ? 'HTTP requests have no spans.' : 'Nothing is traced.'
    print(`missing packages: npm install ${missing.join(' ')}. ${effect}`)
  }
  if (missing.length > 0 && !isHttpOnly) return
  try {
    const extension = extname(fileURLToPath(import.meta.url))
    const { startTracing } = require(`./start${extension}`) as typeof import('./start.ts')
    startTracing({ httpPackage: isHttpOnly ? undefined : HTTP_PACKAGE, print })
  } catch (error) {
    print(`tracing did not start, the application is not affected: ${String(error)}`)
  }
}

function isInstalled(name: string): boolean {
  try {
    return require.resolve(name) !== ''
  } catch {
    return false
  }
}

function print(message: string): void {
  process.stderr.write(`@spanlink/kafka/auto: ${message}\n`)
}
