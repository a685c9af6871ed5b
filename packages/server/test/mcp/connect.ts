import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'

export type Called = { readonly text: string; readonly isError: boolean }

export type Connection = {
  readonly client: Client
  /** The text of the tool's answer, or of its error. */
  call(name: string, args?: Readonly<Record<string, unknown>>, signal?: AbortSignal): Promise<Called>
  [Symbol.asyncDispose](): Promise<void>
}

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

/** The command line of `spanlink mcp` from source. */
export const mcpCommandLine = [process.execPath, '--conditions=spanlink:source', MAIN, 'mcp'] as const

/** The official client over streamable HTTP; `auto` negotiates the newest protocol. */
export async function connectHttp(url: string, token?: string, mode: 'legacy' | 'auto' = 'auto'): Promise<Connection> {
  const requestInit = token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }
  return await connect(new StreamableHTTPClientTransport(new URL('mcp', `${url}/`), { requestInit }), mode)
}

/** The official client over `spanlink mcp`. */
export async function connectStdio(url: string, token?: string): Promise<Connection> {
  const [command, ...args] = mcpCommandLine
  const env = { ...(process.env as Record<string, string>), ...(token === undefined ? {} : { SPANLINK_TOKEN: token }) }
  const transport = new StdioClientTransport({ command, args: [...args, '--url', url], env, stderr: 'ignore' })
  return await connect(transport, 'legacy')
}

async function connect(
  transport: StreamableHTTPClientTransport | StdioClientTransport,
  mode: 'legacy' | 'auto',
): Promise<Connection> {
  const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode } })
  await client.connect(transport)
  return {
    client,
    call: async (name, args = {}, signal) => {
      const { content, isError = false } = await client.callTool(
        { name, arguments: args },
        signal === undefined ? {} : { signal },
      )
      const [first] = content
      return { text: first?.type === 'text' ? first.text : '', isError }
    },
    [Symbol.asyncDispose]: () => client.close(),
  }
}
