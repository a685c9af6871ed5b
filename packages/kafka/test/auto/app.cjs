// As app.mjs, in CommonJS.
const { createServer, get } = require('node:http')

const server = createServer((_, response) => response.end())
server.listen(0, '127.0.0.1', () => {
  get({ port: server.address().port, path: '/orders' }, (it) => it.resume().on('end', () => server.close()))
})
