// Prints the transcripts of docs/mcp.md as Markdown, or with --write puts them there:
// node --conditions=spanlink:source scripts/docs/mcp-transcript.ts [--url URL] [--order KEY] [--write]
// With --url, of a running server, and --order names a message key or order id that it has. Without, of a server with
// the orders of the tests.
import { readFileSync, writeFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { TopologyResponse } from '@spanlink/api-schema'
import { startSpanlink } from '@spanlink/testkit/spanlink'
import { type Connection, connectHttp } from '../../packages/server/test/mcp/connect.ts'
import { sendShop } from '../../packages/server/test/mcp/shop.ts'

const { values } = parseArgs({
  options: { url: { type: 'string' }, order: { type: 'string', default: 'order-1007' }, write: { type: 'boolean' } },
})

const FILE = 'docs/mcp.md'
const [BEGIN, END] = ['<!-- transcripts: printed by scripts/docs/mcp-transcript.ts -->', '<!-- end of transcripts -->']

const printed: string[] = []

/** Longer answers are trimmed in the document, with a line that says so. */
const MAX_LINES = 40

if (values.url === undefined) {
  await using server = await startSpanlink()
  await sendShop(server)
  // Metrics are the last signal sent.
  const isStored = async (): Promise<boolean> =>
    ((await server.getJson('/api/topology')) as TopologyResponse).nodes.some(({ lag }) => lag !== undefined)
  while (!(await isStored())) await setTimeout(100)
  await printTranscripts(server.url, values.order)
} else await printTranscripts(values.url, values.order)

if (values.write === true) {
  const text = readFileSync(FILE, 'utf8')
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)]
  writeFileSync(FILE, `${text.slice(0, from + BEGIN.length)}\n\n${printed.join('\n')}\n${text.slice(to)}`)
} else process.stdout.write(`${printed.join('\n')}\n`)

async function printTranscripts(url: string, order: string): Promise<void> {
  await using connection = await connectHttp(url.replace(/\/$/, ''), process.env['SPANLINK_TOKEN'])
  print(`### Why was ${order} slow?\n`)
  await printFlow(connection, await printCall(connection, 'search_traces', { value: order }))
  print('### What is stuck?\n')
  await printFlow(connection, await printCall(connection, 'find_messages', { kind: 'unconsumed' }))
}

/** Calls get_flow as the answer suggests. */
async function printFlow(connection: Connection, answer: string): Promise<void> {
  const [, traceId, spanId] = /Next: get_flow with traceId "(\w+)"(?: and spanId "(\w+)")?/.exec(answer) ?? []
  if (traceId === undefined) throw new Error(`The answer suggests no flow:\n${answer}`)
  await printCall(connection, 'get_flow', { traceId, ...(spanId === undefined ? {} : { spanId }) })
}

async function printCall(
  connection: Connection,
  tool: string,
  args: Readonly<Record<string, string>>,
): Promise<string> {
  const { text, isError } = await connection.call(tool, args)
  if (isError) throw new Error(`${tool}: ${text}`)
  const lines = text.split('\n')
  const end = lines.findLastIndex((line) => line.startsWith('Searched ') || line.startsWith('Page: '))
  const cut = lines.length - MAX_LINES
  const shown = cut > 0 ? [...lines.slice(0, end - cut), `[${cut} lines trimmed here]`, ...lines.slice(end)] : lines
  print(`\`${tool}\` with \`${JSON.stringify(args)}\`\n\n\`\`\`text\n${shown.join('\n')}\n\`\`\`\n`)
  return text
}

function print(text: string): void {
  printed.push(text)
}
