import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { cp, mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { useKafka } from '@spanlink/testkit/vitest'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { described } from './support/recorded-spans.ts'
import { SDK_MAJOR } from './support/sdk.ts'

// The package as published, built from the current source and installed in an application.

const run = promisify(execFile)
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

describe.skipIf(SDK_MAJOR !== 3).concurrent('the published package', () => {
  const kafka = useKafka()
  let app = ''

  beforeAll(async () => {
    app = await mkdtemp(join(tmpdir(), 'spanlink-built-'))
    const installed = dirname(dirname(createRequire(import.meta.url).resolve('kafkajs/package.json')))
    const packageFolder = join(app, 'node_modules/@spanlink/kafka')
    await mkdir(packageFolder, { recursive: true })
    for (const name of await readdir(installed)) {
      if (name !== '@spanlink' && !name.startsWith('.'))
        await symlink(join(installed, name), join(app, 'node_modules', name))
    }
    await run(join(installed, '.bin/tsc'), [
      '-p',
      here('../tsconfig.build.json'),
      '--outDir',
      join(packageFolder, 'dist'),
    ])
    await cp(here('../package.json'), join(packageFolder, 'package.json'))
    for (const part of ['register', 'support']) await cp(here(part), join(app, 'test', part), { recursive: true })
    await writeFile(join(app, 'package.json'), '{ "type": "module" }')
  })
  afterAll(async () => {
    if (app !== '') await rm(app, { recursive: true })
  })

  for (const file of ['app.mjs', 'app.cjs']) {
    for (const client of ['kafkajs', 'platformatic']) {
      test(`loaded by --import traces ${client} in ${file}`, async () => {
        const topic = `t-${randomUUID()}`
        await kafka().createTopic(topic)
        const { stdout } = await run(
          process.execPath,
          ['--import=./test/register/otel.ts', '--import=@spanlink/kafka/register', `test/register/${file}`, client],
          { cwd: app, env: { ...process.env, BROKERS: kafka().brokers.join(), TOPIC: topic }, timeout: 100_000 },
        )
        const spans = stdout
          .split('\n')
          .filter((line) => line.startsWith('{'))
          .map((line) => JSON.parse(line) as ReturnType<typeof described>)
        const named = (name: string) => spans.filter((span) => span.name === `${name} ${topic}`)
        expect(named('send').map(({ kind }) => kind)).toEqual(['PRODUCER'])
        expect(named('process').flatMap(({ links }) => links)).toHaveLength(1)
      })
    }
  }

  test('resolves and loads every entry of its exports', async () => {
    const { exports } = JSON.parse(await readFile(here('../package.json'), 'utf8')) as { readonly exports: object }
    const entries = Object.keys(exports).filter((entry) => !entry.endsWith('.json'))
    const code = entries.map((entry) => `await import('@spanlink/kafka${entry.slice(1)}')`).join('\n')
    await writeFile(join(app, 'entries.js'), `${code}\nconsole.log(import.meta.resolve('@spanlink/kafka'))\n`)
    const { stdout } = await run(process.execPath, ['entries.js'], { cwd: app })
    expect(stdout.trim()).toMatch(/@spanlink\/kafka\/dist\/index\.js$/)
  })
})
