// Mutated requests to every port and codec, interleaved with valid ones that must be stored.
// npm run bench:fuzz -- --inputs 1000000 --seed 1
// `--from 123456 --inputs 1` repeats one input: it depends only on the seed and its index.
import { mkdirSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startSpanlink } from '@spanlink/testkit/spanlink'
import { openEmbeddedStore } from '../../packages/server/src/clickhouse/engine/open-embedded.ts'
import { fuzz } from '../../packages/server/test/fuzz/fuzz-run.ts'
import { describeMachine } from './machine.ts'
import { residentMiB } from './process-stats.ts'
import { columns, table } from './report.ts'

const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
    senders: { type: 'string', default: '32' },
  },
})
const [inputs, seed, from, senders] = [values.inputs, values.seed, values.from, values.senders].map(Number) as [
  number,
  number,
  number,
  number,
]

const machine = describeMachine()
const dataDir = await mkdtemp(join(tmpdir(), 'spanlink-fuzz-'))
const server = await startSpanlink({ dataDir })
const enginePid = (await server.enginePid()) ?? 0
const startedAt = performance.now()
const memoryRows = [['inputs', 'seconds', 'receiver MiB', 'engine MiB']]
const { responses, goodTraces, findings } = await fuzz({
  server,
  seed,
  from,
  inputs,
  exporters: senders,
  onTenth: (done) => {
    const seconds = Math.round((performance.now() - startedAt) / 1000)
    memoryRows.push(
      [done, seconds, residentMiB(server.pid), residentMiB(enginePid)].map((count) => count.toLocaleString('en')),
    )
    process.stderr.write(`${memoryRows.at(-1)?.join('  ')}\n`)
  },
})
const engineDied = (await server.enginePid()) !== enginePid
const exitCode = await server.stop()

const store = await openEmbeddedStore(dataDir)
const rows = await store.query<{ id: string }>(
  `select lower(hex(trace_id)) as id from spans where service = 'fuzz-good'`,
)
await store.close()
const stored = new Set(rows.map(({ id }) => id))
const lost = goodTraces.filter((id) => !stored.has(id)).length

const format = (count: number): string => count.toLocaleString('en')
const text = `${[
  'Fuzz: mutated requests on every port and codec, and queries, with valid requests between',
  '',
  ...machine,
  `inputs          ${format(inputs)} of seed ${seed} from ${from}, ${senders} at a time`,
  '',
  ...table([
    ['valid requests accepted', format(goodTraces.length)],
    ['accepted valid requests that are not stored', format(lost)],
    ['unexpected responses', format(findings.length)],
    ['the engine died', engineDied ? 'yes' : 'no'],
    ['exit code of the server', String(exitCode)],
  ]),
  '',
  'Responses by port (HTTP status, gRPC code):',
  ...table([...responses].sort(([a], [b]) => a.localeCompare(b, 'en')).map(([key, count]) => [key, format(count)])),
  '',
  'Memory while idle:',
  ...columns(memoryRows),
  ...(findings.length === 0 ? [] : ['', ...findings.slice(0, 50)]),
].join('\n')}\n`
process.stdout.write(text)
const folder = new URL('../results/', import.meta.url)
mkdirSync(folder, { recursive: true })
writeFileSync(new URL('fuzz.txt', folder), text)
if (lost > 0 || findings.length > 0 || engineDied || exitCode !== 0) process.exitCode = 1
await rm(dataDir, { recursive: true, force: true })
