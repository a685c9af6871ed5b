import type { Problem } from '@spanlink/api-schema'
import type { FastifyError, FastifyReply } from 'fastify'
import { InvalidParameterError } from '../query/sql/invalid-parameter.ts'
import { TraceQLError, type TraceQLErrorCode } from '../traceql/syntax/errors.ts'
import { TooManyRequestsError } from './request-limit.ts'
import { StoreError, type StoreErrorCode } from '../clickhouse/store-error.ts'

/** Sends an RFC 9457 problem. */
export function sendProblem(reply: FastifyReply, problem: Omit<Problem, 'type'>): FastifyReply {
  if (problem.status === 503 || problem.status === 429) void reply.header('retry-after', '1')
  return reply
    .code(problem.status)
    .type('application/problem+json')
    .send(JSON.stringify({ type: 'about:blank', ...problem }))
}

/** What a failed request is told. Causes that are ours stay in the log. */
export function toProblem(error: unknown): Omit<Problem, 'type'> {
  if (error instanceof InvalidParameterError) {
    return { status: 400, title: 'Invalid parameter', detail: error.message, parameter: error.parameter }
  }
  if (error instanceof TraceQLError) return toQueryProblem(error)
  if (error instanceof StoreError) return storeProblems[error.code] ?? internal
  if (error instanceof TooManyRequestsError) return { status: 429, title: 'Too many requests', detail: error.message }
  const { validation, validationContext, statusCode, message } = error as Partial<FastifyError>
  if (validation !== undefined) return toParameterProblem(validation, validationContext ?? 'querystring')
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return { status: statusCode, title: 'Bad request', detail: message ?? 'The request cannot be understood.' }
  }
  return internal
}

const queryTitles: Readonly<Record<TraceQLErrorCode, string>> = {
  syntax: 'Not a query',
  type: 'The query cannot mean anything',
  limit: 'The query asks for too much',
  unsupported: 'Not known here',
}

/**
 * A query that is right and asks for too much is not a bad request: narrowed, or at another time,
 * it can be answered.
 */
function toQueryProblem(error: TraceQLError): Omit<Problem, 'type'> {
  const { from, to, line, column, expected } = error
  return {
    status: error.code === 'limit' ? 422 : 400,
    title: queryTitles[error.code],
    detail: error.message,
    parameter: 'q',
    ...(from === undefined || to === undefined ? {} : { from, to }),
    ...(line === undefined || column === undefined ? {} : { line, column }),
    ...(expected.length === 0 ? {} : { expected: [...expected] }),
  }
}

const internal = { status: 500, title: 'Internal error', detail: 'The server failed to answer; its log says why.' }

const storeProblems: Partial<Record<StoreErrorCode, Omit<Problem, 'type'>>> = {
  unavailable: { status: 503, title: 'Engine down', detail: 'The database engine is restarting. Try again shortly.' },
  timeout: {
    status: 504,
    title: 'Took too long',
    detail: 'The question took too long. Narrow it by time, service or operation.',
  },
  'too-heavy': {
    status: 503,
    title: 'Too heavy',
    detail: 'The question needs more memory than it may have. Narrow it by time, service or operation.',
  },
  'too-complex': {
    status: 422,
    title: 'Too complex',
    detail: 'The question has too many parts. Ask with fewer conditions.',
  },
  'bad-pattern': {
    status: 400,
    title: 'Invalid regular expression',
    detail: 'The regular expression is too large for RE2: nested repetitions multiply. Use smaller counts.',
  },
  // Nobody reads it: the reader has left. The number is the one that proxies log for that.
  cancelled: { status: 499, title: 'Cancelled', detail: 'The question was cancelled.' },
}

function toParameterProblem(
  validation: NonNullable<FastifyError['validation']>,
  context: string,
): Omit<Problem, 'type'> {
  const [first] = validation
  const unknown = first?.keyword === 'additionalProperties' ? String(first.params['additionalProperty']) : undefined
  const parameter = unknown ?? (first?.instancePath.slice(1).split('/')[0] || undefined)
  const where = context === 'params' ? 'path' : 'query'
  return {
    status: 400,
    title: unknown === undefined ? 'Invalid parameter' : 'Unknown parameter',
    detail:
      unknown === undefined
        ? `${parameter ?? 'The request'} ${first?.message ?? 'is not valid'}${allowed(first?.params)}.`
        : `There is no ${where} parameter ${JSON.stringify(unknown)} here.`,
    ...(parameter === undefined ? {} : { parameter }),
  }
}

function allowed(params: Readonly<Record<string, unknown>> | undefined): string {
  const values = params?.['allowedValues']
  return Array.isArray(values) ? `: ${values.join(', ')}` : ''
}
