import process from 'node:process'
import { defineCommand } from '../command.ts'
import { runServer } from '../serve/run-server.ts'
import { serveFlags, toServeOptions } from '../serve/serve-options.ts'

export const serveCommand = defineCommand({
  summary: 'runs the server (default command)',
  description: 'Receives, stores and shows telemetry until SIGTERM or Ctrl-C.',
  usage: ['[serve] [options]'],
  exitCodes:
    '0 stopped, 2 invalid arguments, 5 to 9 not started, 1 failed\n(https://github.com/spanlink/spanlink/blob/main/docs/cli.md#exit-codes)',
  flags: serveFlags,
  run: async (flags, _positionals, out) => {
    const options = toServeOptions(flags, process.env)
    return await runServer(() => options, out)
  },
})
