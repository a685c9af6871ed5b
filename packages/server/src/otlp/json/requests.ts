import { one, string } from './fields.ts'
import { METRIC } from './metric-shapes.ts'
import { member, type Parent, parent } from './parent.ts'
import { LOG_RECORD, RESOURCE, SCOPE, SPAN } from './shapes.ts'

export const TRACES = request('resourceSpans', 'scopeSpans', { spans: member.items(0x12, SPAN) })
export const LOGS = request('resourceLogs', 'scopeLogs', { logRecords: member.items(0x12, LOG_RECORD) })
export const METRICS = request('resourceMetrics', 'scopeMetrics', { metrics: member.parents(0x12, METRIC) })

/** The envelope that the three signals share: see `readEnvelope`. */
function request(resources: string, scopes: string, items: Parameters<typeof scoped>[0]): Parent {
  const scope = scoped(items)
  const resource = parent(() => ({
    resource: member.field(one(0x0a, RESOURCE)),
    [scopes]: member.parents(0x12, scope),
    schemaUrl: member.field(string(0x1a)),
  }))
  return parent(() => ({ [resources]: member.parents(0x0a, resource) }))
}

function scoped(items: ReturnType<Parameters<typeof parent>[0]>): Parent {
  return parent(() => ({
    scope: member.field(one(0x0a, SCOPE)),
    ...items,
    schemaUrl: member.field(string(0x1a)),
  }))
}
