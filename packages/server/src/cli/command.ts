import process from 'node:process'
import { type FlagTable, type FlagValues, formatFlags, parseFlags, type Positionals } from './args.ts'
import type { Server } from './api-client.ts'
import { urlParser } from './parsers.ts'
import { readFlagFile } from './serve/read-tls.ts'

/** A command as main.ts and the reference in docs/cli.md use it. */
export type Command = {
  /** Whether it sends requests to a running server. */
  readonly needsServer: boolean
  /** One line, for the list of commands. */
  readonly summary: string
  readonly help: string
  readonly flags: FlagTable
  /**
   * @returns the exit code
   * @throws UsageError, CommandError
   */
  readonly run: (args: readonly string[], out: Output) => Promise<number>
}

export type Output = {
  readonly line: (text: string) => void
  /** To stderr. */
  readonly note: (text: string) => void
}

type Definition<Flags extends FlagTable> = {
  readonly summary: string
  /** Lines of usage, without the program's name. */
  readonly usage: readonly string[]
  /** What the command does: the first paragraph of its help. @default the summary */
  readonly description?: string
  /** Between usage and options. */
  readonly notes?: string
  readonly exitCodes?: string
  readonly positionals?: Positionals
  readonly flags: Flags
  readonly run: (flags: FlagValues<Flags>, positionals: readonly string[], out: Output) => Promise<number>
}

const EXIT_CODES = '0 done, 1 failed, 2 invalid arguments, 3 not found'

export function defineCommand<const Flags extends FlagTable>(definition: Definition<Flags>): Command {
  const {
    summary,
    usage,
    description = `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`,
    notes,
    flags,
    positionals,
    run,
  } = definition
  const paragraphs = [
    description,
    usage.map((line, index) => `${index === 0 ? 'Usage:' : '      '} spanlink ${line}`).join('\n'),
    ...(notes === undefined ? [] : [notes]),
    `Options:\n\n${formatFlags(flags).trimEnd()}`,
    `Exit codes: ${definition.exitCodes ?? EXIT_CODES}.`,
  ]
  return {
    needsServer: false,
    summary,
    help: `${paragraphs.join('\n\n')}\n`,
    flags,
    run: async (args, out) => {
      const parsed = parseFlags(args, flags, process.env, positionals)
      return await run(parsed.flags, parsed.positionals, out)
    },
  }
}

const DEFAULT_URL = 'http://127.0.0.1:4319'

const CLIENT_FLAGS = {
  url: { value: 'URL', parser: urlParser, env: 'SPANLINK_URL', default: DEFAULT_URL, description: 'URL of the server' },
  'token-file': {
    value: 'FILE',
    default: '$SPANLINK_TOKEN, the token itself',
    description: 'file that holds a token for the server',
  },
  json: { description: '' },
} as const satisfies FlagTable

type ClientFlags<Flags extends FlagTable> = FlagValues<Flags> & { readonly server: Server; readonly json: boolean }

type ClientDefinition<Flags extends FlagTable> = Omit<Definition<Flags>, 'run'> & {
  /** Help text of `--json`; false omits the flag. @default that of the API's JSON */
  readonly json?: string | false
  readonly run: (flags: ClientFlags<Flags>, positionals: readonly string[], out: Output) => Promise<number>
}

/** A command that sends requests to a running server. */
export function defineClientCommand<const Flags extends FlagTable>({
  json: jsonHelp = 'print the JSON of the API instead of text',
  ...definition
}: ClientDefinition<Flags>): Command {
  const { url, 'token-file': tokenFile } = CLIENT_FLAGS
  const clientFlags = {
    url,
    'token-file': tokenFile,
    ...(jsonHelp === false ? {} : { json: { description: jsonHelp } }),
  }
  const command = defineCommand<Flags & Omit<typeof CLIENT_FLAGS, 'json'>>({
    exitCodes: `${EXIT_CODES}, 4 no server`,
    ...definition,
    flags: { ...definition.flags, ...clientFlags },
    run: async (values, positionals, out) => {
      const { url = DEFAULT_URL, json = false, 'token-file': file } = values as FlagValues<typeof CLIENT_FLAGS>
      const server = { url, token: file === undefined ? process.env['SPANLINK_TOKEN'] : readToken(file) }
      return await definition.run({ ...(values as FlagValues<Flags>), server, json }, positionals, out)
    },
  })
  return { ...command, needsServer: true }
}

function readToken(file: string): string {
  return readFlagFile('--token-file', file).toString('utf8').trim()
}
