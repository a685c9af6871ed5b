// Serves one HTTP request and ends as its argument says. There is not a word of tracing here.
import { createServer, get } from 'node:http'
import process from 'node:process'

const [, , ending] = process.argv
const server = createServer((_, response) => response.end())
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
await new Promise((resolve) =>
  get({ port: server.address().port, path: '/orders' }, (it) => it.resume().on('end', resolve)),
)
if (ending === 'throw') throw new Error('the application failed')
if (ending === 'handler') process.on('SIGTERM', () => setTimeout(() => process.exit(7), 1000))
console.log(
  `variables: ${Object.keys(process.env)
    .filter((name) => name.startsWith('OTEL_'))
    .join()}`,
)
if (ending === undefined) server.close()
