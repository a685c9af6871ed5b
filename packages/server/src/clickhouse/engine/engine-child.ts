// Runs the engine: `node engine-child <library> <config file>`. No other Spanlink code runs here.
//
// The npm library is the complete ClickHouse. Its C entry `chdb_query_cmdline` is the main function
// of clickhouse-local, and `SYSTEM START LISTEN HTTP` makes it a server (ClickHouse PR 101143). It
// needs the stack of a real thread, so ffi-rs runs it on one; this thread watches the parent.
import { realpathSync } from 'node:fs'
import { DataType, load, open } from 'ffi-rs'
import { dropCodePages } from '../../runtime/drop-code-pages.ts'

const [library = '', configFile = ''] = process.argv.slice(2)

const argv = [
  'clickhouse',
  `--config-file=${configFile}`,
  '--query',
  // The endless select keeps the server running until SIGTERM.
  'SYSTEM START LISTEN HTTP; SELECT sleepEachRow(1) FROM system.numbers FORMAT Null ' +
    'SETTINGS max_block_size = 1, function_sleep_max_microseconds_per_block = 0',
]

// The channel closes when the parent ends for any reason. An orderly exit takes about 40 ms;
// SIGKILL after 5 s is safe for unfinished work too.
process.on('disconnect', () => {
  process.kill(process.pid, 'SIGTERM')
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), 5000)
})

open({ library: 'chdb', path: library })
// The engine is ready by then. If it is busy, it reloads its pages within milliseconds.
setTimeout(() => dropCodePages(realpathSync(library)), 3000).unref()
// chdb_result * chdb_query_cmdline(int argc, char ** argv)
const result = await load({
  library: 'chdb',
  funcName: 'chdb_query_cmdline',
  retType: DataType.External,
  paramsType: [DataType.I32, DataType.StringArray],
  paramsValue: [argv.length, argv],
  runInNewThread: true,
})
// const char * chdb_result_error(chdb_result *)
const reason = load({
  library: 'chdb',
  funcName: 'chdb_result_error',
  retType: DataType.String,
  paramsType: [DataType.External],
  paramsValue: [result],
})
process.stderr.write(`${reason}\n`)
// exit() would run the library's destructors after its threads ended, which crashes.
process.send?.({ reason }, () => process.kill(process.pid, 'SIGKILL'))
