import type { Problem } from '@spanlink/api-schema'
import type { FastifyError, FastifyReply } from 'fastify'
import { ForbiddenError, RateLimitError, UnauthenticatedError } from '../access/errors.ts'
import { InvalidParameterError } from '../query/sql/invalid-parameter.ts'
import { TraceQLError, type TraceQLErrorCode } from '../traceql/syntax/errors.ts'
import { TooManyRequestsError } from './request-limit.ts'
import { StoreError, type StoreErrorCode } from '../clickhouse/store-error.ts'

/** Sends an RFC 9457 problem. */
export function sendProblem(reply: FastifyReply, problem: Omit<Problem, 'type'>): FastifyReply {
  const isLater = problem.status === 503 || problem.status === 429
  if (isLater && !reply.hasHeader('retry-after')) void reply.header('retry-after', '1')
  return reply
    .code(problem.status)
    .type('application/problem+json')
    .send(JSON.stringify({ type: 'about:blank', ...problem }))
}

/** The RFC 9457 problem of a failed request. Internal causes stay in the log. */
export function toProblem(error: unknown): Omit<Problem, 'type'> {
  if (error instanceof InvalidParameterError) {
    return { status: 400, title: 'Invalid parameter', detail: error.message, parameter: error.parameter }
  }
  if (error instanceof TraceQLError) return toQueryProblem(error)
  if (error instanceof StoreError) return storeProblems[error.code] ?? internal
  if (error instanceof UnauthenticatedError) return { status: 401, title: 'Not signed in', detail: error.message }
  if (error instanceof ForbiddenError) return { status: 403, title: 'Not permitted', detail: error.message }
  if (error instanceof TooManyRequestsError || error instanceof RateLimitError)
    return { status: 429, title: 'Too many requests', detail: error.message }
  const { validation, validationContext, statusCode, message } = error as Partial<FastifyError>
  if (validation !== undefined) return toParameterProblem(validation, validationContext ?? 'querystring')
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return { status: statusCode, title: 'Bad request', detail: message ?? 'The request is invalid.' }
  }
  return internal
}

const queryTitles: Readonly<Record<TraceQLErrorCode, string>> = {
  syntax: 'Invalid query',
  type: 'Invalid types in the query',
  limit: 'Query too expensive',
  unsupported: 'Unsupported query',
}

/** 422, not 400, for a valid query that exceeds a limit: a narrower one succeeds. */
function toQueryProblem(error: TraceQLError): Omit<Problem, 'type'> {
  const { from, to, line, column, expected } = error
  return {
    status: error.code === 'limit' ? 422 : 400,
    title: queryTitles[error.code],
    detail: error.message,
    parameter: 'q',
    from,
    to,
    line,
    column,
    expected: expected.length === 0 ? undefined : [...expected],
  }
}

const internal = { status: 500, title: 'Internal error', detail: 'The request failed. The server log has the cause.' }

const storeProblems: Partial<Record<StoreErrorCode, Omit<Problem, 'type'>>> = {
  unavailable: {
    status: 503,
    title: 'ClickHouse unavailable',
    detail: 'ClickHouse is starting or unreachable. Try again shortly.',
  },
  timeout: {
    status: 504,
    title: 'Query timed out',
    detail: 'The query took too long. Narrow it by time, service or operation.',
  },
  'too-heavy': {
    status: 503,
    title: 'Query needs too much memory',
    detail: 'The query exceeds its memory limit. Narrow it by time, service or operation.',
  },
  'too-complex': {
    status: 422,
    title: 'Query too complex',
    detail: 'The query has too many parts. Use fewer conditions.',
  },
  'bad-pattern': {
    status: 400,
    title: 'Invalid regular expression',
    detail: 'The regular expression is too large for RE2: nested repetitions multiply. Use smaller counts.',
  },
  // The client has disconnected; proxies log 499 for it.
  cancelled: { status: 499, title: 'Cancelled', detail: 'The query was cancelled.' },
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
        ? (describeFormat(parameter, first) ??
          `${parameter ?? 'The request'} ${first?.message ?? 'is not valid'}${allowed(first?.params)}.`)
        : `Unknown ${where} parameter ${JSON.stringify(unknown)}.`,
    parameter,
  }
}

const MAX_VALUE_LENGTH = 100

/** `invalid step "x": expected a duration …`, if the schema describes its format. */
function describeFormat(parameter = '', error: object = {}): string | undefined {
  // Ajv's verbose errors have both.
  const { data, parentSchema } = error as { readonly data?: unknown; readonly parentSchema?: object }
  const expected: unknown = Object.entries(parentSchema ?? {}).find(([key]) => key === 'x-expected')?.[1]
  if (typeof expected !== 'string' || typeof data !== 'string') return undefined
  return `invalid ${parameter} ${JSON.stringify(data.slice(0, MAX_VALUE_LENGTH))}: expected ${expected}`
}

function allowed(params: Readonly<Record<string, unknown>> | undefined): string {
  const values = params?.['allowedValues']
  return Array.isArray(values) ? `: ${values.join(', ')}` : ''
}
