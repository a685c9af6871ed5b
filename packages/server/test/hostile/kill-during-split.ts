import { setTimeout as sleep } from 'node:timers/promises'
import { startSpanlink } from '@spanlink/testkit/spanlink'
import { sendCompressed } from './hostile-spans.ts'

/**
 * Sends one large request, kills the server `kills` times while it splits and inserts it, then
 * stores the rest of the journal.
 *
 * @returns the exit code of the last server
 */
export async function killDuringSplit(
  dataDir: string,
  env: Readonly<Record<string, string>>,
  body: Buffer,
  kills: number,
): Promise<number> {
  const options = { dataDir, env, args: ['--max-memory', '640MiB'] }
  for (let kill = 0; kill < kills; kill++) {
    const server = await startSpanlink(options)
    if (kill === 0) {
      const { status } = await sendCompressed(server, body)
      if (status !== 200) throw new Error(`the request was not acknowledged: ${status}`)
    }
    // A random point: the parts are written and inserted within about a second.
    await sleep(Math.random() * 800)
    await server.kill('SIGKILL')
  }
  const server = await startSpanlink(options)
  while (((await server.getJson('/api/status')) as Status).journal.segments > 0) await sleep(100)
  return await server.stop()
}

type Status = { readonly journal: { readonly segments: number } }
