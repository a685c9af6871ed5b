// The table of endpoints and parameters in docs/api.md, from the schemas that the server checks requests by:
// node --conditions=spanlink:source scripts/docs/api-docs.ts [--check]
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { endpoints } from '../../packages/server/src/http/routes/endpoints.ts'
import { openApi } from '../../packages/server/src/http/openapi.ts'

type Schema = {
  readonly type?: string
  readonly enum?: readonly string[]
  readonly minimum?: number
  readonly maximum?: number
  readonly default?: unknown
}
type Parameter = { readonly name: string; readonly in: string; readonly required: boolean; readonly schema: Schema }
type Operation = { readonly summary: string; readonly parameters: readonly Parameter[] }
/** Operations by path and method. */
type Document = { readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>> }

const FILE = 'docs/api.md'
const [BEGIN, END] = ['<!-- endpoints: made by scripts/docs/api-docs.ts -->', '<!-- end of endpoints -->']

const { paths } = openApi(endpoints({} as never, {} as never), '') as Document
const rows = Object.entries(paths).flatMap(([path, operations]) =>
  Object.entries(operations).map(([method, { summary, parameters }]) => {
    const described = parameters.filter((one) => one.in === 'query').map(describe)
    const request = method === 'get' ? path : `${method.toUpperCase()} ${path}`
    return `| \`${request}\` | ${summary} | ${described.join(', ')} |`
  }),
)
const before = readFileSync(FILE, 'utf8')
const [head = '', rest = ''] = before.split(BEGIN)
const [, tail = ''] = rest.split(END)
const table = ['| `GET` | returns | parameters |', '| --- | --- | --- |', ...rows].join('\n')
const after = format(`${head}${BEGIN}\n\n${table}\n\n${END}${tail}`)
if (!process.argv.includes('--check')) writeFileSync(FILE, after)
else if (before !== after) {
  process.stdout.write(`${FILE} is out of date: node --conditions=spanlink:source scripts/docs/api-docs.ts\n`)
  process.exit(1)
}

/** `limit` (1–500, default 50) */
function describe({ name, required, schema }: Parameter): string {
  const { enum: values, minimum, maximum, default: byDefault } = schema
  const facts = [
    ...(required ? ['required'] : []),
    ...(values === undefined ? [] : [values.join(' ')]),
    ...(maximum === undefined ? [] : [`${minimum ?? 0}–${maximum.toLocaleString('en')}`]),
    ...(byDefault === undefined ? [] : [`default ${String(byDefault)}`]),
  ]
  return facts.length === 0 ? `\`${name}\`` : `\`${name}\` (${facts.join(', ')})`
}

function format(text: string): string {
  return execFileSync('node_modules/.bin/oxfmt', ['--stdin-filepath', FILE], { input: text, encoding: 'utf8' })
}
