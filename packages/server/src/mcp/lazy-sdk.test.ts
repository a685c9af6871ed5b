import { spawnSync } from 'node:child_process'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const ENTRIES = ['../cli/commands/commands.ts', '../http/server.ts'].map((path) =>
  fileURLToPath(new URL(path, import.meta.url)),
)

test('the server and its commands start without the MCP SDK', () => {
  const code = `
    import { registerHooks } from 'node:module'
    const found = []
    registerHooks({ resolve: (name, context, next) => (found.push(name), next(name, context)) })
    for (const entry of ${JSON.stringify(ENTRIES)}) await import(entry)
    process.stdout.write(JSON.stringify([found.includes('fastify'), found.filter((name) => /modelcontextprotocol|zod/.test(name))]))`
  const args = ['--conditions=spanlink:source', '--input-type=module', '--eval', code]
  expect(JSON.parse(spawnSync(process.execPath, args, { encoding: 'utf8' }).stdout)).toEqual([true, []])
})
