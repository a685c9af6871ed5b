// The process that is the engine: `node engine-child <library> <config file>`. Nothing of ours runs
// in it but this.
//
// The npm library is ClickHouse whole; its one C entry `chdb_query_cmdline` is clickhouse-local's
// main, and `SYSTEM START LISTEN HTTP` makes a server of that (ClickHouse PR 101143). It needs a
// real thread's stack, so ffi-rs calls it on one of its own, and this thread stays free to watch
// the parent.
import { realpathSync } from 'node:fs'
import { DataType, load, open } from 'ffi-rs'
import { dropCodePages } from '../../runtime/drop-code-pages.ts'

const [library = '', configFile = ''] = process.argv.slice(2)

const argv = [
  'clickhouse',
  `--config-file=${configFile}`,
  '--query',
  // The endless select keeps the server up; a SIGTERM ends it.
  'SYSTEM START LISTEN HTTP; SELECT sleepEachRow(1) FROM system.numbers FORMAT Null ' +
    'SETTINGS max_block_size = 1, function_sleep_max_microseconds_per_block = 0',
]

// The channel closes when the parent is gone, however it went. The engine needs some 40 ms to leave
// in order; what it is in the middle of is safe without that too, so it isn't waited for long.
process.on('disconnect', () => {
  process.kill(process.pid, 'SIGTERM')
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), 5000)
})

open({ library: 'chdb', path: library })
// By then it answers; should it be busy, it has its pages back in a few milliseconds.
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
// Leaving through exit() runs destructors of the library after its threads are gone, which crashes.
process.send?.({ reason }, () => process.kill(process.pid, 'SIGKILL'))
