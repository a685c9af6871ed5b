import type { FlowResponse } from '@spanlink/api-schema'
import { Type } from 'typebox'
import { formatCriticalPath } from '../flow/critical-path.ts'
import { formatErrors } from '../flow/errors.ts'
import { formatHeadline, formatLimits, formatStatistics } from '../flow/headline.ts'
import { formatLanes } from '../flow/lanes.ts'
import { formatMissingConsumers, formatRetries, formatWaits } from '../flow/waits.ts'
import { countArgument, spanIdArgument, traceIdArgument } from '../input/shared.ts'
import { formatTime } from '../text/format.ts'
import { defineTool } from '../tool.ts'
import { ToolError } from '../tool-error.ts'

const DEFAULT_TRACES = 200
const MAX_TRACES = 1000

export const getFlow = defineTool({
  name: 'get_flow',
  title: 'Get flow',
  description:
    'Everything that one event caused, over all topics, from any trace of it: why it was slow (critical path with shares), queue times per topic and group, errors with messages, retries, and consumers that are missing (stuck messages).',
  arguments: {
    traceId: traceIdArgument('Id of any trace of the flow, 32 hex digits.'),
    spanId: spanIdArgument('Span at the end of the critical path. Default: the span that ends last.'),
    includeJoined: Type.Optional(
      Type.Boolean({ description: 'Include other events consumed in the same batches. Default false.' }),
    ),
    maxTraces: countArgument(MAX_TRACES, DEFAULT_TRACES, 'Traces to load.'),
  },
  run: async ({ traceId, spanId, includeJoined, maxTraces }, { read, pageUrl }) => {
    const id = traceId.toLowerCase()
    const flow = await read<FlowResponse>(`/api/flows/${id}`, { spanId, includeJoined, maxTraces })
    const { criticalPath, lanes, missingConsumers } = flow
    const [first] = lanes
    if (first === undefined) throw new ToolError(`No span of the flow of trace ${id} is stored.`)
    const longest = criticalPath?.segments.toSorted((a, b) => Number(b.durationNano) - Number(a.durationNano))[0]
    return {
      headline: formatHeadline(flow),
      lines: [
        `Started ${formatTime(first.startTimeUnixNano)}. ${formatStatistics(flow).join(' ')}`,
        ...formatMissingConsumers(flow),
        ...(criticalPath === null ? [] : formatCriticalPath(criticalPath)),
        ...(await formatErrors(flow, read)),
        ...formatRetries(flow),
        ...formatWaits(flow),
        ...formatLanes(flow),
      ],
      footer: [
        ...formatLimits(flow),
        `Page: ${pageUrl(`flow/${id}`, { joined: includeJoined === true ? '1' : undefined, end: spanId })}`,
        missingConsumers.length > 0
          ? `Next: find_messages with kind "unconsumed" for all messages that wait, or get_topology for the lag.`
          : `Next: compare_flows with traceId "${id}" for what is unusual, or get_trace with traceId "${longest?.traceId ?? id}" for the longest step.`,
      ],
      narrow: 'use get_trace for one trace, or lower maxTraces',
    }
  },
})
