const names = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const

export type SeverityClass = (typeof names)[number] | 'none'

/** OTLP severity numbers have four levels per class. */
export function severityClass(number: number): SeverityClass {
  return names[Math.floor((number - 1) / 4)] ?? 'none'
}

/** The record's severity text, or OpenTelemetry's short name if it has none. */
export function severityName(number: number, text: string): string {
  return text === '' ? severityClass(number) : text.slice(0, 12).toLowerCase()
}
