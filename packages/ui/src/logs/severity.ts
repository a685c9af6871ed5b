const names = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const

export type SeverityClass = (typeof names)[number] | 'none'

/** OTLP's ranges of four. */
export function severityClass(number: number): SeverityClass {
  return names[Math.floor((number - 1) / 4)] ?? 'none'
}

/** The sender's own word, or OpenTelemetry's. */
export function severityName(number: number, text: string): string {
  return text === '' ? severityClass(number) : text.slice(0, 12).toLowerCase()
}
