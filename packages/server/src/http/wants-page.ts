import type { FastifyRequest } from 'fastify'

/** Whether a browser asks for a page, which the UI serves at every path. */
export function wantsPage(request: FastifyRequest): boolean {
  return (request.method === 'GET' || request.method === 'HEAD') && (request.headers.accept ?? '').includes('text/html')
}
