import { Readable } from 'node:stream'
import { readBody } from '../../mcp/read-api.ts'
import { ToolError } from '../../mcp/tool-error.ts'
import { CommandError, fetchResponse, type Server } from '../api-client.ts'
import { defineClientCommand } from '../command.ts'
import { version } from '../version.ts'

export const mcpCommand = defineClientCommand({
  summary: 'serves the Model Context Protocol on stdin and stdout, for agents',
  description:
    'Serves the Model Context Protocol on stdin and stdout: tools with which an agent searches traces, flows, messages, metrics and logs of a running server. Ends when stdin closes.',
  usage: ['mcp [options]'],
  notes: `  {"mcpServers": {"spanlink": {"command": "npx", "args": ["spanlink", "mcp"]}}}`,
  exitCodes: '0 stdin closed, 1 failed, 2 invalid arguments',
  json: false,
  flags: {},
  run: async ({ server }, _positionals, out) => {
    const fetchApi = (path: string, signal: AbortSignal): Promise<string> => fetchBody(server, path, signal)
    // The server may start later, so this is a note only. stdout has nothing but the protocol.
    void fetchApi('/api/ready', AbortSignal.timeout(STARTUP_CHECK_MS)).catch(({ message }: Error) => {
      out.note(`spanlink mcp: ${message} Tools fail until then.`)
    })
    const { serveMcpOnStdio } = await import('../../mcp/serve-stdio.ts')
    const log = (message: string): void => out.note(`spanlink mcp: ${message}`)
    await serveMcpOnStdio({ version, fetchApi, baseUrl: server.url, log })
    return 0
  },
})

const STARTUP_CHECK_MS = 5000

async function fetchBody(server: Server, path: string, signal: AbortSignal): Promise<string> {
  try {
    const { body } = await fetchResponse(server, path, {}, 'GET', signal)
    return body === null ? '' : await readBody(Readable.fromWeb(body))
  } catch (error) {
    throw error instanceof CommandError ? new ToolError(error.message, { cause: error }) : error
  }
}
