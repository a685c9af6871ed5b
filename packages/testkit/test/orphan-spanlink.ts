// Starts a server and waits to be killed.
import { startSpanlink } from '../src/spanlink.ts'

const spanlink = await startSpanlink()
const { pid, dataDir } = spanlink
process.stdout.write(`${JSON.stringify({ pid, dataDir, enginePid: await spanlink.enginePid() })}\n`)
setInterval(() => {}, 60_000)
