import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Store } from '../../../../clickhouse/store.ts'
import type { Log } from '../../../../log.ts'
import { ByteBudget } from '../../../../receivers/body/byte-budget.ts'
import { readGrpcMessage } from '../../../../receivers/grpc/grpc-message.ts'
import { RPC_CODES } from '../../../../receivers/otlp-response.ts'
import { describeInternalError } from '../../../../receivers/rejection.ts'
import { setRole } from '../../../access-guard.ts'
import type { GrpcCall } from '../../../grpc/grpc-call.ts'
import type { GrpcCalls } from '../../../grpc/grpc-calls.ts'
import { toGrpcStatus } from '../../../grpc/to-grpc-status.ts'
import { sendProblem, toProblem } from '../../../problems.ts'
import { methods } from './methods.ts'

const SERVICE = 'tempopb.StreamingQuerier'

const MAX_REQUEST_BYTES = 1024 * 1024
/** Of all requests that are being received. */
const REQUESTS_BYTES = 16 * MAX_REQUEST_BYTES

/**
 * Serves Tempo's streaming API over gRPC, which Grafana's datasource uses if streaming is on
 * (docs/compatibility.md).
 */
export function serveStreamingQuerier(app: FastifyInstance, store: Store, calls: GrpcCalls, log: Log): void {
  const budget = new ByteBudget(REQUESTS_BYTES)
  const fail = (call: GrpcCall, error: unknown): void => {
    const { code, message } = toGrpcStatus(error)
    if (code === RPC_CODES.internal && !call.signal.aborted)
      log(`A gRPC call failed: ${describeInternalError(error)}`, { level: 'error' })
    call.fail(code, message)
  }
  void app.register(async (querier) => {
    setRole(querier, 'read')
    querier.setErrorHandler((error, request, reply) => {
      const call = calls.find(request.raw)
      if (call === undefined) return sendProblem(reply, toProblem(error))
      reply.hijack()
      fail(call, error)
    })
    querier.addHook('onRequest', async (request, reply) =>
      calls.find(request.raw) === undefined ? sendProblem(reply, HTTP2_ONLY) : undefined,
    )
    // After the check of access. Before the limit of queries: a slow request must not hold a slot.
    querier.addContentTypeParser(/^application\/grpc/, async (request: FastifyRequest, payload: typeof request.raw) => {
      const encoding = request.headers['grpc-encoding']?.toString()
      const body = await readGrpcMessage(payload, encoding, budget, MAX_REQUEST_BYTES)
      const bytes = Buffer.from(body.bytes)
      body.release()
      return bytes
    })
    for (const [name, run] of Object.entries(methods)) {
      querier.post(`/${SERVICE}/${name}`, async (request, reply) => {
        const call = calls.find(request.raw)
        reply.hijack()
        if (call === undefined) return reply
        try {
          const warnings = await run(store, request.body as Buffer, call)
          call.end(warnings.length === 0 ? {} : { warning: `199 - "${warnings.join(' ')}"` })
        } catch (error) {
          fail(call, error)
        } finally {
          // Not only when a slow client has received all messages.
          request.endQuery?.()
        }
        return reply
      })
    }
  })
}

const HTTP2_ONLY = { status: 505, title: 'HTTP version not supported', detail: 'gRPC needs HTTP/2.' }
