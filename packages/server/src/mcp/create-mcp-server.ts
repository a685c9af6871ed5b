import { ProtocolError, ProtocolErrorCode, Server } from '@modelcontextprotocol/server'
import type { Log } from '../log.ts'
import { validateArguments } from './input/validate-arguments.ts'
import { INSTRUCTIONS } from './instructions.ts'
import { createReader, type ApiQuery, type FetchApi } from './read-api.ts'
import { DEFAULT_ANSWER_CHARS, writeAnswer } from './text/answer.ts'
import { quote } from './text/quote.ts'
import type { Tool } from './tool.ts'
import { ToolError } from './tool-error.ts'
import { tools } from './tools/tools.ts'

export type McpOptions = {
  readonly version: string
  readonly fetchApi: FetchApi
  /** Of the UI, without a trailing slash: where links to pages lead. */
  readonly baseUrl: string
  /** Aborted when the client disconnects. @default never */
  readonly signal?: AbortSignal
  /** Gets unexpected errors of tools. */
  readonly log: Log
}

/** A tool sends several requests, each with the API's own deadline. */
const TOOL_TIMEOUT_MS = 60_000

/** Longer URLs get lost in terminals and proxies: the link then lacks its filters. */
const MAX_PAGE_URL_CHARS = 600

/** An MCP server for one connection, or for one stateless request. */
export function createMcpServer(options: McpOptions): Server {
  const server = new Server(
    { name: 'spanlink', title: 'Spanlink', version: options.version },
    { capabilities: { tools: {} }, instructions: INSTRUCTIONS },
  )
  server.setRequestHandler('tools/list', () => ({ tools: [...tools.values()].map(describeTool) }))
  server.setRequestHandler('tools/call', async ({ params }, { mcpReq }) => {
    const tool = tools.get(params.name)
    if (tool === undefined) {
      const names = [...tools.keys()].join(', ')
      throw new ProtocolError(ProtocolErrorCode.InvalidParams, `Unknown tool ${quote(params.name, 60)}: ${names}.`)
    }
    const { text, isError } = await callTool(tool, params.arguments ?? {}, mcpReq.signal, options)
    return { content: [{ type: 'text' as const, text }], ...(isError ? { isError } : {}) }
  })
  return server
}

function describeTool({ name, title, description, input }: Tool) {
  return {
    name,
    title,
    description,
    inputSchema: JSON.parse(JSON.stringify(input, omitOwnKeywords)) as { readonly type: 'object' },
    annotations: { title, readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  }
}

/** `x-expected` is for our messages; some agents reject keywords that they don't know. */
function omitOwnKeywords(key: string, value: unknown): unknown {
  return key.startsWith('x-') ? undefined : value
}

async function callTool(
  tool: Tool,
  args: Readonly<Record<string, unknown>>,
  cancelled: AbortSignal,
  { fetchApi, baseUrl, signal, log }: McpOptions,
): Promise<{ readonly text: string; readonly isError: boolean }> {
  const deadline = AbortSignal.timeout(TOOL_TIMEOUT_MS)
  const signals = AbortSignal.any([deadline, cancelled, ...(signal === undefined ? [] : [signal])])
  const pageUrl = (path: string, query: ApiQuery = {}): string => formatPageUrl(baseUrl, path, query)
  try {
    validateArguments(tool.name, tool.input, args)
    const answer = await tool.run(args, { read: createReader(fetchApi, signals), pageUrl, nowMs: Date.now() })
    const { maxChars = DEFAULT_ANSWER_CHARS } = args as { readonly maxChars?: number }
    return { text: writeAnswer(answer, maxChars), isError: false }
  } catch (error) {
    if (deadline.aborted) return toError(`No answer within ${TOOL_TIMEOUT_MS / 1000} s: narrow the time range.`)
    if (signals.aborted) return toError('The request was cancelled.')
    if (error instanceof ToolError) return toError(error.message)
    log(`MCP tool ${tool.name} failed: ${(error as Error).stack ?? String(error)}`, { level: 'error' })
    return toError(`${tool.name} failed; the log has the cause.`)
  }
}

function toError(message: string): { readonly text: string; readonly isError: true } {
  return {
    text: writeAnswer({ headline: message, lines: [], footer: [], narrow: '' }, DEFAULT_ANSWER_CHARS),
    isError: true,
  }
}

function formatPageUrl(baseUrl: string, path: string, query: ApiQuery): string {
  const params = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined) params.set(name, String(value))
  const page = `${baseUrl}/${path}`
  const url = params.size === 0 ? page : `${page}?${params}`
  return url.length > MAX_PAGE_URL_CHARS ? page : url
}
