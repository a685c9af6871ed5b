// The server from source, restarted on change, and Vite's dev server for the pages: `npm run dev`.
// Arguments go to `spanlink serve`. Ctrl-C ends both.
import { createServer } from 'vite'
import { fileURLToPath } from 'node:url'
import { startGuarded } from '../packages/testkit/src/process/guarded-process.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

const watched = ['packages/server/src', 'packages/api-schema/src'].map((path) => `--watch-path=${root}${path}`)
const main = `${root}packages/server/src/cli/main.ts`
const server = await startGuarded(
  [process.execPath, '--conditions=spanlink:source', ...watched, main, 'serve', ...process.argv.slice(2)],
  // Without the restart that sets V8's flags: it would leave the watching process.
  { env: { ...process.env, SPANLINK_HEAP_FLAGS: 'set' }, onOrphaned: 'kill $program' },
)
server.onLine((line) => process.stdout.write(`${line}\n`))

const vite = await createServer({ configFile: `${root}packages/ui/vite.config.ts` })
await vite.listen()
vite.printUrls()

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => process.kill(server.pid, 'SIGTERM'))
}
process.exitCode = await server.ended()
await vite.close()
