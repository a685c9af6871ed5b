// Loaded into the server with --import: sends SIGKILL right before a journal segment is removed,
// when its rows are in both store and journal. That window is one millisecond wide, so random kills
// rarely hit it.
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
