import type { IncomingMessage } from 'node:http'
import { createRequire, syncBuiltinESMExports } from 'node:module'
import type { Span } from '@opentelemetry/api'
import type { Instrumentation } from '@opentelemetry/instrumentation'

const require = createRequire(import.meta.url)

/** @param name of the package, which is optional */
export function createHttpInstrumentation(name: string): Instrumentation {
  const { HttpInstrumentation } = require(name) as typeof import('@opentelemetry/instrumentation-http')
  return new HttpInstrumentation({ applyCustomAttributesOnSpan: setRoute })
}

/**
 * Patches http and https: the instrumentation changes their exports in place when they are
 * required, and ES modules import those once they are synchronized.
 */
export function patchHttp(): void {
  require('node:http')
  require('node:https')
  syncBuiltinESMExports()
}

/** Express puts the route that it matched on the request: `POST /orders/:id` instead of `POST`. */
function setRoute(span: Span, request: object): void {
  const { method, baseUrl, route } = request as Partial<IncomingMessage> & {
    readonly baseUrl?: unknown
    readonly route?: { readonly path?: unknown }
  }
  if (typeof route?.path !== 'string') return
  const path = `${typeof baseUrl === 'string' ? baseUrl : ''}${route.path}`
  span.updateName(`${method} ${path}`)
  span.setAttribute('http.route', path)
}
