import type { DiagLogger } from '@opentelemetry/api'

const MIN_INTERVAL_MS = 60_000
const MAX_WARNINGS = 10
const MAX_LENGTH = 300

/**
 * Prints messages of the SDK as one line each: errors, such as an endpoint that is away, once a
 * minute at most; each warning, such as an unknown protocol, once.
 */
export function createDiagLogger(print: (message: string) => void, now: () => number = Date.now): DiagLogger {
  let printedAt = -Infinity
  const warnings = new Set<string>()
  const ignore = (): void => {}
  return {
    error: (...args) => {
      if (now() - printedAt < MIN_INTERVAL_MS) return
      printedAt = now()
      print(`${formatError(args)} (OTEL_LOG_LEVEL=error shows all)`)
    },
    warn: (...args) => {
      const message = formatError(args)
      if (warnings.has(message) || warnings.size === MAX_WARNINGS) return
      warnings.add(message)
      print(message)
    },
    info: ignore,
    debug: ignore,
    verbose: ignore,
  }
}

/** The SDK passes errors as JSON of their properties, or as objects. */
function formatError(args: readonly unknown[]): string {
  const texts = args.map((arg) => {
    if (arg instanceof Error) return arg.message
    const message = typeof arg === 'string' ? readMessage(arg) : undefined
    return message ?? String(arg)
  })
  return texts.join(' ').replaceAll(/\s+/g, ' ').slice(0, MAX_LENGTH)
}

function readMessage(text: string): string | undefined {
  try {
    const { message, code } = JSON.parse(text) as { readonly message?: unknown; readonly code?: unknown }
    return [message, code].filter((part) => part !== undefined && part !== '').join(' ') || undefined
  } catch {
    return undefined
  }
}
