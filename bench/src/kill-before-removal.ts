// Loaded into the server with --import: kills it with SIGKILL when it is about to remove a journal
// segment, whose rows are then in the store and in the journal. That moment is a millisecond wide;
// random kills would hardly meet it.
import promises from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'

const { unlink } = promises
let removals = 0

promises.unlink = async (path) => {
  if (String(path).endsWith('.segment') && ++removals === Number(process.env['KILL_AT_REMOVAL'])) {
    process.kill(process.pid, 'SIGKILL')
  }
  return await unlink(path)
}
syncBuiltinESMExports()
