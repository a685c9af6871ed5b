import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { freePorts } from '@spanlink/testkit/free-ports'
import { expect, test, vi } from 'vitest'
import { connectStdio, mcpCommandLine } from './connect.ts'

async function unusedUrl(): Promise<string> {
  const [port] = await freePorts(1)
  return `http://127.0.0.1:${port}`
}

type Running = { readonly child: ChildProcessWithoutNullStreams; readonly output: { stdout: string; stderr: string } }

function start(url: string): Running {
  const [command, ...args] = mcpCommandLine
  const child = spawn(command, [...args, '--url', url])
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (text) => (output.stdout += String(text)))
  child.stderr.on('data', (text) => (output.stderr += String(text)))
  return { child, output }
}

const INITIALIZE = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
}

test('without a server each tool is a clear error, and a line on stderr tells people', async () => {
  const url = await unusedUrl()
  await using connection = await connectStdio(url)
  const { text, isError } = await connection.call('search_traces')
  expect([isError, text]).toEqual([true, `No server at ${url}. Start it, or set --url or SPANLINK_URL.`])
  const { child, output } = start(url)
  await vi.waitUntil(() => output.stderr.includes('\n'), { timeout: 20_000 })
  expect(output.stderr).toBe(
    `spanlink mcp: No server at ${url}. Start it, or set --url or SPANLINK_URL. Tools fail until then.\n`,
  )
  child.stdin.end()
  expect(await once(child, 'close')).toEqual([0, null])
})

test('stdout has nothing but messages of the protocol, also after garbage, and ends with stdin', async () => {
  const { child, output } = start(await unusedUrl())
  child.stdin.write(`garbage\n${JSON.stringify(INITIALIZE)}\n`)
  await vi.waitUntil(() => output.stdout.includes('\n'), { timeout: 20_000 })
  child.stdin.end()
  expect(await once(child, 'close')).toEqual([0, null])
  const messages = output.stdout.trim().split('\n')
  expect(messages.map((line) => (JSON.parse(line) as { readonly id?: unknown }).id)).toContain(1)
})

test('SIGTERM ends it with exit code 0', async () => {
  const { child, output } = start(await unusedUrl())
  child.stdin.write(`${JSON.stringify(INITIALIZE)}\n`)
  await vi.waitUntil(() => output.stdout.includes('\n'), { timeout: 20_000 })
  child.kill('SIGTERM')
  expect(await once(child, 'close')).toEqual([0, null])
})
