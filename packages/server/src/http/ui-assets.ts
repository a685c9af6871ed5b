import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { setRole } from './access-guard.ts'
import { wantsPage } from './wants-page.ts'

/** In the built index.html; everything else there is relative to it. */
const BASE = '<base href="/" />'

/**
 * Serves the built UI. Returns a handler for paths that are not files: page requests get the
 * application, which routes them.
 *
 * @param basePath path of the UI for browsers, which ends with `/`
 */
export async function serveUi(
  app: FastifyInstance,
  basePath: string,
): Promise<(request: FastifyRequest, reply: FastifyReply) => unknown> {
  const root = uiDirectory()
  if (root === undefined)
    return (request, reply) => (wantsPage(request) ? reply.type('text/html').send(NOT_BUILT) : none(reply))
  const page = readFileSync(`${root}/index.html`, 'utf8').replace(BASE, `<base href="${basePath}" />`)
  const sendPage = (reply: FastifyReply): FastifyReply =>
    reply.type('text/html; charset=utf-8').header('cache-control', 'no-cache').send(page)
  await app.register(async (assets) => {
    setRole(assets, 'public')
    assets.get('/', (_request, reply) => sendPage(reply))
    assets.get('/index.html', (_request, reply) => sendPage(reply))
    await assets.register(fastifyStatic, {
      root,
      index: false,
      cacheControl: false,
      setHeaders: (reply, path) => {
        // Vite names files in assets/ by content hash.
        const hashed = path.startsWith(`${root}/assets/`)
        void reply.header('cache-control', hashed ? 'public, max-age=31536000, immutable' : 'no-cache')
      },
    })
  })
  return (request, reply) => (wantsPage(request) ? sendPage(reply) : none(reply))
}

/** Next to this file if built (dist/api -> dist/ui), in the package's dist if run from source. */
function uiDirectory(): string | undefined {
  return ['../ui', '../../dist/ui']
    .map((path) => fileURLToPath(new URL(path, import.meta.url)))
    .find((path) => existsSync(`${path}/index.html`))
}

function none(reply: FastifyReply): FastifyReply {
  return reply.code(404).type('text/plain').send('Not found\n')
}

const NOT_BUILT = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Spanlink</title>
<h1>Spanlink is running</h1>
<p>Its pages are not built yet. Run <code>npm run build</code> and start it again.
The API is at <a href="/api/openapi.json">/api/openapi.json</a>.</p></html>
`
