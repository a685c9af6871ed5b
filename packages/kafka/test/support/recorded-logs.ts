import type { Attributes } from '@opentelemetry/api'
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs'
import { waitUntil } from './wait.ts'

export interface RecordedLog {
  readonly name: string | undefined
  readonly severity: string | undefined
  readonly body: unknown
  readonly attributes: Attributes
  readonly traceId: string | undefined
}

export interface RecordedLogs {
  readonly provider: LoggerProvider
  all(): readonly RecordedLog[]
  named(name: string): readonly RecordedLog[]
  /** Waits until there is one. */
  first(name: string, isIt?: (log: RecordedLog) => boolean): Promise<RecordedLog>
}

/** A real logger provider that keeps its records. */
export function recordedLogs(): RecordedLogs {
  const exporter = new InMemoryLogRecordExporter()
  const provider = new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter })] })
  const all = (): RecordedLog[] =>
    exporter.getFinishedLogRecords().map(({ eventName, severityText, body, attributes, spanContext }) => ({
      name: eventName,
      severity: severityText,
      body,
      attributes: attributes as Attributes,
      traceId: spanContext?.traceId,
    }))
  const named = (name: string): RecordedLog[] => all().filter((log) => log.name === name)
  return {
    provider,
    all,
    named,
    first: (name, isIt = () => true) => waitUntil(() => named(name).find(isIt)),
  }
}
