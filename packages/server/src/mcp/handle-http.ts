import { createMcpHandler, ProtocolErrorCode } from '@modelcontextprotocol/server'
import { createMcpServer, type McpOptions } from './create-mcp-server.ts'

/**
 * Answers one POST of the streamable HTTP transport. Stateless: no sessions, no subscriptions. The
 * caller checks credentials, Host and Origin.
 *
 * @param body that of the request
 */
export async function handleMcpRequest(request: Request, body: string, options: McpOptions): Promise<Response> {
  // A batch would run many tools as one request. Protocol 2025-06-18 removed batches.
  if (/^\s*\[/.test(body)) return rejectBatch()
  const handler = createMcpHandler(() => createMcpServer(options), {
    // Tools never change, so there is nothing to subscribe to.
    maxSubscriptions: 0,
    onerror: ({ message }) => options.log(`MCP request rejected: ${message}`, { level: 'debug' }),
  })
  return await handler.fetch(request)
}

function rejectBatch(): Response {
  const error = { code: ProtocolErrorCode.InvalidRequest, message: 'Batches are not supported: send one message.' }
  return Response.json({ jsonrpc: '2.0', id: null, error }, { status: 400 })
}
