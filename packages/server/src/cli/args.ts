import { parseArgs } from 'node:util'

/** Invalid command-line arguments; the message says what was expected. */
export class UsageError extends Error {}

/** Converts the text of a value. */
export type Parser<Value> = {
  /** Completes "expected …" in the error. */
  readonly expected: string
  /** @returns undefined for invalid text */
  readonly parse: (text: string) => Value | undefined
}

/** Defines parsing, `--help` and the reference in docs/cli.md. */
export type Flag = {
  /** Placeholder of the value in help; a flag without one is a switch. */
  readonly value?: string
  /** @default the text as it is */
  readonly parser?: Parser<unknown>
  /** Environment variable that is read when the flag is missing. */
  readonly env?: string
  /** For help only: commands and the server's API apply their own defaults. */
  readonly default?: string
  readonly description: string
}

export type FlagTable = Readonly<Record<string, Flag>>

export type FlagValues<Table extends FlagTable> = {
  readonly [Name in keyof Table]:
    | (Table[Name] extends { readonly parser: Parser<infer Value> }
        ? Value
        : Table[Name] extends { readonly value: string }
          ? string
          : boolean)
    | undefined
}

/** Arguments besides flags. */
export type Positionals = {
  readonly name: string
  readonly min: number
  readonly max: number
  readonly parser?: Parser<string>
}

type Environment = Readonly<Record<string, string | undefined>>

/** @throws UsageError */
export function parseFlags<const Table extends FlagTable>(
  args: readonly string[],
  table: Table,
  env: Environment,
  { name: argument, min, max, parser }: Positionals = { name: '', min: 0, max: 0 },
): { readonly flags: FlagValues<Table>; readonly positionals: readonly string[] } {
  const options = Object.fromEntries(
    Object.entries(table).map(
      ([name, { value }]) => [name, { type: value === undefined ? 'boolean' : 'string' }] as const,
    ),
  )
  const { tokens } = parseArgs({ args: [...args], options, strict: false, allowPositionals: true, tokens: true })
  const flags: Record<string, unknown> = {}
  const positionals: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') {
      if (positionals.length === max) throw new UsageError(`unexpected argument ${JSON.stringify(token.value)}`)
      positionals.push(parseValue(argument, token.value, parser))
    } else if (token.kind === 'option') {
      const flag = Object.hasOwn(table, token.name) ? table[token.name] : undefined
      if (flag === undefined) throw new UsageError(`unknown option ${token.rawName}`)
      flags[token.name] = parseOption(token, flag)
    }
  }
  if (positionals.length < min) throw new UsageError(`missing argument ${argument}`)
  for (const [name, { env: variable, parser: parserOfValue }] of Object.entries<Flag>(table)) {
    const text = variable === undefined ? undefined : env[variable]
    if (!(name in flags) && variable !== undefined && text !== undefined) {
      flags[name] = parseValue(variable, text, parserOfValue)
    }
  }
  return { flags: flags as FlagValues<Table>, positionals }
}

type OptionToken = {
  readonly name: string
  readonly value: string | undefined
  readonly inlineValue: boolean | undefined
}

function parseOption({ name, value, inlineValue }: OptionToken, flag: Flag): unknown {
  if (flag.value === undefined) {
    if (value !== undefined) throw new UsageError(`invalid --${name}=${value}: expected no value`)
    return true
  }
  // `--data --fsync` misses a directory rather than naming one; `--data=--fsync` names it.
  if (value === undefined || (inlineValue !== true && /^-./.test(value))) {
    throw new UsageError(`missing value for --${name}: expected ${flag.parser?.expected ?? flag.value}`)
  }
  return parseValue(`--${name}`, value, flag.parser)
}

function parseValue(name: string, text: string, parser: Parser<string> | undefined): string
function parseValue(name: string, text: string, parser: Parser<unknown> | undefined): unknown
function parseValue(name: string, text: string, parser: Parser<unknown> | undefined): unknown {
  if (parser === undefined) return text
  const value = parser.parse(text)
  if (value === undefined) throw new UsageError(`invalid ${name} ${JSON.stringify(text)}: expected ${parser.expected}`)
  return value
}

const MAX_HELP_COLUMNS = 100

/** The flags of a command as lines of help. */
export function formatFlags(table: FlagTable): string {
  const flags: FlagTable = { ...table, help: { description: 'print this help' } }
  const labels = Object.entries(flags).map(
    ([name, { value }]) => `  --${name}${value === undefined ? '' : ` ${value}`}`,
  )
  const width = Math.max(...labels.map((label) => label.length)) + 2
  return Object.values(flags)
    .map((flag, index) => {
      const lines = wrapWords(flag.description + formatDefault(flag), MAX_HELP_COLUMNS - width)
      return `${(labels[index] ?? '').padEnd(width)}${lines.join(`\n${' '.repeat(width)}`)}\n`
    })
    .join('')
}

function formatDefault({ default: value, env }: Flag): string {
  const facts = [value === undefined ? '' : `default ${value}`, env === undefined ? '' : `env ${env}`].filter(Boolean)
  return facts.length === 0 ? '' : ` (${facts.join('; ')})`
}

function wrapWords(text: string, columns: number): readonly string[] {
  const lines = ['']
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? ''
    if (line !== '' && line.length + 1 + word.length > columns) lines.push(word)
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`
  }
  return lines
}
