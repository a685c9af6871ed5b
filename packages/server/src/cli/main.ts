#!/usr/bin/env node
import process from 'node:process'
import { CommandError } from './api-client.ts'
import { formatFlags, UsageError } from './args.ts'
import { commands } from './commands/commands.ts'
import { serveCommand } from './commands/serve.ts'
import { describeError } from './serve/start-error.ts'
import { version } from './version.ts'

// A closed pipe ends the output, not the server.
process.stdout.on('error', () => {})
process.stderr.on('error', () => {})

const output = {
  line: (text: string): void => void process.stdout.write(`${text}\n`),
  note: (text: string): void => void process.stderr.write(`${text}\n`),
}

process.exitCode = await main(process.argv.slice(2))

async function main(args: readonly string[]): Promise<number> {
  const [first = '', ...rest] = args
  const named = commands.get(first)
  const isHelp = args.includes('--help') || args.includes('-h')
  if (isHelp) return print(named?.help ?? formatHelp())
  if (args.includes('--version') || args.includes('-v')) return print(`${version}\n`)
  try {
    if (named !== undefined) return await named.run(rest, output)
    if (first !== '' && !first.startsWith('-')) throw new UsageError(`unknown command ${JSON.stringify(first)}`)
    return await serveCommand.run(args, output)
  } catch (error) {
    if (error instanceof UsageError) {
      output.note(`spanlink: ${error.message}. See spanlink ${named === undefined ? '' : `${first} `}--help.`)
      return 2
    }
    if (error instanceof CommandError) {
      output.note(`spanlink: ${error.message}`)
      return error.exitCode
    }
    output.note(`spanlink: ${describeError(error)}`)
    return 1
  }
}

function formatHelp(): string {
  return `Spanlink: distributed tracing for Kafka systems.

Usage: spanlink [serve] [options]
       spanlink COMMAND [arguments]

Commands for a running server:

${formatCommands(true)}

Other commands:

${formatCommands(false)}

Options of serve:

${formatFlags(serveCommand.flags)}  --version

spanlink COMMAND --help describes a command.
`
}

function formatCommands(needsServer: boolean): string {
  return [...commands]
    .filter(([, command]) => command.needsServer === needsServer)
    .map(([name, { summary }]) => `  ${name.padEnd(10)} ${summary}`)
    .join('\n')
}

function print(text: string): number {
  process.stdout.write(text)
  return 0
}
