// Durability: repeated kill -9 of the server and its engine at random moments under load, and
// between insert and removal of a segment, which random kills rarely hit. Then every acknowledged
// span must be stored once, with both rows of its link, and counted once in the views.
// npm run bench:durability -- --kills 1000 --servers 2 --seed 1
// Runs a copy of the build, so that the checkout may change meanwhile. If spans were lost or
// doubled, the data directory is kept, with each cycle's initial journal and server output.
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
import { type CrashPoint, runCrashCycle, type Sent, status } from './crash-cycle.ts'
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
const DEATHS: readonly CrashPoint[] = [
  'server',
  'server and engine at once',
  'server',
  'server between insert and removal of the segment',
]

type Counts = Record<CrashPoint | 'engine alone', number>
type Found = {
  readonly lost: readonly string[]
  readonly doubled: readonly string[]
  readonly linksWrong: number
  readonly viewsWrong: number
}

const machine = describeMachine()
const began = performance.now()
const done: Counts = {
  'engine alone': 0,
  server: 0,
  'server and engine at once': 0,
  'server between insert and removal of the segment': 0,
}
const killed = (): number => Object.values(done).reduce((sum, count) => sum + count, 0)

const cacheDir = await mkdtemp(join(tmpdir(), 'spanlink-durability-cache-'))
const buildDir = await mkdtemp(join(tmpdir(), 'spanlink-durability-build-'))
const main = await copyBuild()
const results = await Promise.all(Array.from({ length: servers }, (_, at) => killAgainAndAgain(seed + at)))
await rm(cacheDir, { recursive: true, force: true })
await rm(buildDir, { recursive: true, force: true })

const sum = (pick: (result: (typeof results)[number]) => number): string =>
  results.reduce((total, result) => total + pick(result), 0).toLocaleString('en')
const lines = [
  'Durability: kill -9 under load; what was acked is stored, once',
  '',
  ...machine,
  `load            ${servers} servers with an engine each, 3 senders a server, 5 spans with a link each a request`,
  `seed            ${seed}`,
  `time            ${Math.round((performance.now() - began) / 60_000)} minutes`,
  '',
  ...table([
    ['kills', killed().toLocaleString('en')],
    ...Object.entries(done).map(([kind, count]) => [`  ${kind}`, count.toLocaleString('en')] as const),
    ['spans acked', sum((result) => result.acked)],
    ['spans never answered, stored or not', sum((result) => result.unanswered)],
    ['spans refused, to be sent again', sum((result) => result.refused)],
    ['journal bytes torn by kills, cut at the next start', sum((result) => result.tornBytes)],
    ['acked spans lost', sum((result) => result.found.lost.length)],
    ['spans stored twice', sum((result) => result.found.doubled.length)],
    ['links missing or doubled, of both directions', sum((result) => result.found.linksWrong)],
    ['spans missing or doubled in the rollup by minute', sum((result) => result.found.viewsWrong)],
  ]),
]
const text = `${lines.join('\n')}\n`
process.stdout.write(text)
const folder = new URL('../results/', import.meta.url)
mkdirSync(folder, { recursive: true })
writeFileSync(new URL('durability.txt', folder), text)
if (results.some(({ found }) => isWrong(found))) process.exitCode = 1

function isWrong({ lost, doubled, linksWrong, viewsWrong }: Found): boolean {
  return lost.length + doubled.length + linksWrong + viewsWrong > 0
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
  readonly unanswered: number
  readonly refused: number
  readonly tornBytes: number
  readonly found: Found
}

async function killAgainAndAgain(ownSeed: number): Promise<Result> {
  const dataDir = await mkdtemp(join(tmpdir(), 'spanlink-durability-'))
  const evidenceDir = `${dataDir}-evidence`
  const place = { dataDir, main, env: { NODE_COMPILE_CACHE: cacheDir } }
  // A first run that exits normally, because only then does Node write its compile cache.
  await (await startSpanlink(place)).stop()
  const sent: Sent = { acked: new Map(), unanswered: new Map(), refused: 0 }
  for (let number = 0; killed() < kills; number++) {
    const death = DEATHS[number % DEATHS.length] as CrashPoint
    const engineKills = death === 'server between insert and removal of the segment' ? 0 : ENGINE_KILLS
    const lifeSeed = ownSeed * 10_000 + number
    const lifeDir = join(evidenceDir, String(number))
    await cp(join(dataDir, 'journal'), join(lifeDir, 'journal'), { recursive: true })
    const said = await runCrashCycle(place, { number, death, engineKills, random: seededRandom(lifeSeed) }, sent)
    await writeFile(join(lifeDir, 'server.log'), said)
    done['engine alone'] += engineKills
    done[death] += 1
    const seconds = Math.round((performance.now() - began) / 1000)
    process.stderr.write(`${seconds} s: ${killed()} kills, life ${number} of seed ${lifeSeed} ended: ${death}\n`)
  }
  // A last run stores the rest of the journal.
  const server = await startSpanlink(place)
  let { journal } = await status(server)
  while (journal.segments > 0) {
    await sleep(100)
    journal = (await status(server)).journal
  }
  if ((await server.stop()) !== 0) throw new Error(`the server did not stop well:\n${server.stderr()}`)
  const found = await compare(dataDir, sent)
  if (isWrong(found)) {
    const lifeOf = (id: string) => [id, sent.acked.get(id) ?? sent.unanswered.get(id)] as const
    const told = { ...found, lost: found.lost.map(lifeOf), doubled: found.doubled.map(lifeOf) }
    await writeFile(join(evidenceDir, 'found.json'), JSON.stringify(told, undefined, 2))
    process.stderr.write(`WRONG: see ${evidenceDir}/found.json (ids with their lives) and ${dataDir}\n`)
  } else {
    await rm(dataDir, { recursive: true, force: true })
    await rm(evidenceDir, { recursive: true, force: true })
  }
  const { acked, unanswered, refused } = sent
  return { acked: acked.size, unanswered: unanswered.size, refused, tornBytes: journal.tornBytes, found }
}

async function compare(dataDir: string, { acked, unanswered }: Sent): Promise<Found> {
  const store = await openEmbeddedStore(dataDir)
  try {
    const long = { timeoutMs: 120_000 }
    const spans = await store.query<{ id: string }>('select lower(hex(span_id)) as id from spans', {}, long)
    const links = await store.query<{ id: string; direction: string }>(
      `select lower(hex(if(direction = 'out', span_id, peer_span_id))) as id, direction from span_links`,
      {},
      long,
    )
    const [rollup] = await store.query<{ spans: string }>('select sum(spans) as spans from traffic_minutes')
    const stored = new Set(spans.map(({ id }) => id))
    const linked = new Set(links.map(({ id, direction }) => direction + id))
    const strangers = spans.filter(({ id }) => !acked.has(id) && !unanswered.has(id)).length
    if (strangers > 0) throw new Error(`${strangers} stored spans were never sent`)
    return {
      lost: [...acked.keys()].filter((id) => !stored.has(id)),
      doubled: doublesOf(spans.map(({ id }) => id)),
      linksWrong:
        links.length -
        linked.size +
        [...stored].filter((id) => !linked.has(`out${id}`) || !linked.has(`in${id}`)).length,
      viewsWrong: Math.abs(Number(rollup?.spans ?? 0) - spans.length),
    }
  } finally {
    await store.close()
  }
}

function doublesOf(ids: readonly string[]): string[] {
  const seen = new Set<string>()
  return ids.filter((id) => seen.size === seen.add(id).size)
}
