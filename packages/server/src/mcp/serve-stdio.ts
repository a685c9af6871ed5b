import { once } from 'node:events'
import process from 'node:process'
import { serveStdio } from '@modelcontextprotocol/server/stdio'
import { createMcpServer, type McpOptions } from './create-mcp-server.ts'

/** Serves MCP on stdin and stdout until stdin closes, or SIGTERM or SIGINT. */
export async function serveMcpOnStdio(options: Omit<McpOptions, 'signal'>): Promise<void> {
  const stopping = new AbortController()
  const handle = serveStdio(() => createMcpServer({ ...options, signal: stopping.signal }), {
    maxSubscriptions: 0,
    onerror: ({ message }) => options.log(`MCP message rejected: ${message}`),
  })
  const ended = [once(process.stdin, 'end'), once(process.stdin, 'close')]
  await Promise.race([...ended, once(process, 'SIGTERM'), once(process, 'SIGINT')])
  stopping.abort()
  await handle.close()
  process.stdin.destroy()
}
