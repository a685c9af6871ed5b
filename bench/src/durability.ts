// Durability: kill -9 of the server and its engine under load; then every acknowledged span must be
// stored once, with both rows of its link. Runs a copy of the build: the checkout may change.
// npm run bench:durability -- --kills 1000 --servers 2 --seed 1
import { mkdirSync, writeFileSync } from 'node:fs'
import { cp, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { fileURLToPath } from 'node:url'
import { seededRandom } from '@spanlink/testkit/otlp'
import { startSpanlink } from '@spanlink/testkit/spanlink'
import { openEmbeddedStore } from '../../packages/server/src/clickhouse/engine/open-embedded.ts'
import { type CrashPoint, type CrashServerOptions, fetchStatus, runCrashCycle, type SentSpans } from './crash-cycle.ts'
import { describeMachine } from './machine.ts'
import { table } from './report.ts'

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '1000' },
    servers: { type: 'string', default: '2' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
})
let kills = Number(values.kills)
// Ctrl-C ends the run early; the cycles done so far are still compared.
process.once('SIGINT', () => (kills = 0))
const servers = Number(values.servers)
const seed = Number(values.seed)

/**
 * Engine-only kills per server cycle; restarting the engine is faster than restarting the server.
 */
const ENGINE_KILLS = 8

/** Kill points, used in rotation. */
const CRASH_POINTS: readonly CrashPoint[] = [
  'server',
  'server and engine at once',
  'server',
  'server between insert and removal of the segment',
]

type KillCounts = Record<CrashPoint | 'engine alone', number>
/** Differences between the acknowledged and the stored spans. */
type Mismatches = {
  readonly lost: readonly string[]
  readonly duplicated: readonly string[]
  readonly wrongLinks: number
  readonly wrongRollups: number
}

const machine = describeMachine()
const startedAt = performance.now()
const killCounts: KillCounts = {
  'engine alone': 0,
  server: 0,
  'server and engine at once': 0,
  'server between insert and removal of the segment': 0,
}
const countKills = (): number => Object.values(killCounts).reduce((sum, count) => sum + count, 0)

const cacheDir = await mkdtemp(join(tmpdir(), 'spanlink-durability-cache-'))
const buildDir = await mkdtemp(join(tmpdir(), 'spanlink-durability-build-'))
const main = await copyBuild()
const results = await Promise.all(Array.from({ length: servers }, (_, at) => runCrashCycles(seed + at)))
await rm(cacheDir, { recursive: true, force: true })
await rm(buildDir, { recursive: true, force: true })

const formatSum = (pick: (result: (typeof results)[number]) => number): string =>
  results.reduce((total, result) => total + pick(result), 0).toLocaleString('en')
const lines = [
  'Durability: kill -9 under load; every acked span is stored once',
  '',
  ...machine,
  `load            ${servers} servers with one engine each, 3 senders per server, requests of 5 spans with a link each`,
  `seed            ${seed}`,
  `time            ${Math.round((performance.now() - startedAt) / 60_000)} minutes`,
  '',
  ...table([
    ['kills', countKills().toLocaleString('en')],
    ...Object.entries(killCounts).map(([kind, count]) => [`  ${kind}`, count.toLocaleString('en')] as const),
    ['spans acked', formatSum((result) => result.acked)],
    ['spans without a response, stored or not', formatSum((result) => result.unacknowledged)],
    ['spans rejected, to be sent again', formatSum((result) => result.rejected)],
    ['bytes of incomplete journal frames, truncated at the next start', formatSum((result) => result.tornBytes)],
    ['acked spans lost', formatSum((result) => result.mismatches.lost.length)],
    ['spans stored twice', formatSum((result) => result.mismatches.duplicated.length)],
    ['links missing or duplicated, in both directions', formatSum((result) => result.mismatches.wrongLinks)],
    ['spans missing or duplicated in the rollup by minute', formatSum((result) => result.mismatches.wrongRollups)],
  ]),
]
const text = `${lines.join('\n')}\n`
process.stdout.write(text)
const folder = new URL('../results/', import.meta.url)
mkdirSync(folder, { recursive: true })
writeFileSync(new URL('durability.txt', folder), text)
if (results.some(({ mismatches }) => hasMismatch(mismatches))) process.exitCode = 1

function hasMismatch({ lost, duplicated, wrongLinks, wrongRollups }: Mismatches): boolean {
  return lost.length + duplicated.length + wrongLinks + wrongRollups > 0
}

/** Copies the server's build; dependencies are linked from the checkout. */
async function copyBuild(): Promise<string> {
  const root = fileURLToPath(new URL('../../', import.meta.url))
  await cp(join(root, 'packages/server/dist'), join(buildDir, 'server/dist'), { recursive: true })
  await cp(join(root, 'packages/server/package.json'), join(buildDir, 'server/package.json'))
  await symlink(join(root, 'node_modules'), join(buildDir, 'node_modules'))
  return join(buildDir, 'server/dist/cli/main.js')
}

type Result = {
  readonly acked: number
  readonly unacknowledged: number
  readonly rejected: number
  readonly tornBytes: number
  readonly mismatches: Mismatches
}

async function runCrashCycles(serverSeed: number): Promise<Result> {
  const dataDir = await mkdtemp(join(tmpdir(), 'spanlink-durability-'))
  const evidenceDir = `${dataDir}-evidence`
  const options: CrashServerOptions = { dataDir, main, env: { NODE_COMPILE_CACHE: cacheDir } }
  // A first run that exits normally, because only then does Node write its compile cache.
  await (await startSpanlink(options)).stop()
  const sent: SentSpans = { acked: new Map(), unacknowledged: new Map(), rejected: 0 }
  for (let number = 0; countKills() < kills; number++) {
    const crashPoint = CRASH_POINTS[number % CRASH_POINTS.length] as CrashPoint
    const engineKills = crashPoint === 'server between insert and removal of the segment' ? 0 : ENGINE_KILLS
    const cycleSeed = serverSeed * 10_000 + number
    const cycleDir = join(evidenceDir, String(number))
    await cp(join(dataDir, 'journal'), join(cycleDir, 'journal'), { recursive: true })
    const cycle = { number, crashPoint, engineKills, random: seededRandom(cycleSeed) }
    const serverLog = await runCrashCycle(options, cycle, sent)
    await writeFile(join(cycleDir, 'server.log'), serverLog)
    killCounts['engine alone'] += engineKills
    killCounts[crashPoint] += 1
    const seconds = Math.round((performance.now() - startedAt) / 1000)
    process.stderr.write(
      `${seconds} s: ${countKills()} kills, cycle ${number} of seed ${cycleSeed} ended: ${crashPoint}\n`,
    )
  }
  // A last run stores the rest of the journal.
  const server = await startSpanlink(options)
  let { journal } = await fetchStatus(server)
  while (journal.segments > 0) {
    await sleep(100)
    journal = (await fetchStatus(server)).journal
  }
  if ((await server.stop()) !== 0) throw new Error(`the server did not stop cleanly:\n${server.stderr()}`)
  const mismatches = await findMismatches(dataDir, sent)
  if (hasMismatch(mismatches)) {
    const withCycle = (id: string) => [id, sent.acked.get(id) ?? sent.unacknowledged.get(id)] as const
    const { lost, duplicated } = mismatches
    const report = { ...mismatches, lost: lost.map(withCycle), duplicated: duplicated.map(withCycle) }
    await writeFile(join(evidenceDir, 'mismatches.json'), JSON.stringify(report, undefined, 2))
    process.stderr.write(`MISMATCH: see ${evidenceDir}/mismatches.json (ids with their cycles) and ${dataDir}\n`)
  } else {
    await rm(dataDir, { recursive: true, force: true })
    await rm(evidenceDir, { recursive: true, force: true })
  }
  const { acked, unacknowledged, rejected } = sent
  return { acked: acked.size, unacknowledged: unacknowledged.size, rejected, tornBytes: journal.tornBytes, mismatches }
}

async function findMismatches(dataDir: string, { acked, unacknowledged }: SentSpans): Promise<Mismatches> {
  const store = await openEmbeddedStore(dataDir)
  try {
    const options = { timeoutMs: 120_000 }
    const spans = await store.query<{ id: string }>('select lower(hex(span_id)) as id from spans', {}, options)
    const links = await store.query<{ id: string; direction: string }>(
      `select lower(hex(span_id)) as id, 'out' as direction from spans array join links union all select lower(hex(substring(head, 17, 8))), 'in' from trace_rows where type = 'backlink'`,
      {},
      options,
    )
    const [rollup] = await store.query<{ spans: string }>('select sum(spans) as spans from traffic_minutes')
    const stored = new Set(spans.map(({ id }) => id))
    const linked = new Set(links.map(({ id, direction }) => direction + id))
    const unknown = spans.filter(({ id }) => !acked.has(id) && !unacknowledged.has(id)).length
    if (unknown > 0) throw new Error(`${unknown} stored spans were never sent`)
    return {
      lost: [...acked.keys()].filter((id) => !stored.has(id)),
      duplicated: findDuplicates(spans.map(({ id }) => id)),
      wrongLinks:
        links.length -
        linked.size +
        [...stored].filter((id) => !linked.has(`out${id}`) || !linked.has(`in${id}`)).length,
      wrongRollups: Math.abs(Number(rollup?.spans ?? 0) - spans.length),
    }
  } finally {
    await store.close()
  }
}

function findDuplicates(ids: readonly string[]): string[] {
  const seen = new Set<string>()
  return ids.filter((id) => seen.size === seen.add(id).size)
}
