import { toLogsRequest, toMetricsRequest, toTracesRequest } from './otlp.ts'
import type { Telemetry } from './simulation.ts'

/**
 * Sends telemetry to an OTLP/HTTP receiver, as the services of the demo would.
 *
 * @param endpoint base URL
 * @throws if the receiver rejects it or is away
 */
export async function exportTelemetry(endpoint: string, { spans, logs, points }: Telemetry): Promise<void> {
  if (spans.length > 0) await post(`${endpoint}/v1/traces`, toTracesRequest(spans))
  if (logs.length > 0) await post(`${endpoint}/v1/logs`, toLogsRequest(logs))
  if (points.length > 0) await post(`${endpoint}/v1/metrics`, toMetricsRequest(points))
}

async function post(url: string, body: object): Promise<void> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`the receiver returned ${response.status}: ${await response.text()}`)
}
