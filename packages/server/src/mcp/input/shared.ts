import { describe, Duration, SpanId, TraceId } from '@spanlink/api-schema'
import { Type } from 'typebox'
import { DEFAULT_ANSWER_CHARS, MAX_ANSWER_CHARS, MIN_ANSWER_CHARS } from '../text/answer.ts'

export const MaxChars = Type.Optional(
  Type.Integer({
    minimum: MIN_ANSWER_CHARS,
    maximum: MAX_ANSWER_CHARS,
    description: `Longest answer in characters. Default ${DEFAULT_ANSWER_CHARS}.`,
  }),
)

export const traceIdArgument = (description: string) => describe(description, TraceId)
export const spanIdArgument = (description: string) => Type.Optional(describe(description, SpanId))
/** Parsing takes longer than linear time, and a body has more room than a URL. */
const MAX_DURATION_CHARS = 40

export function durationArgument(description: string) {
  const { pattern, 'x-expected': expected } = Duration as { readonly pattern?: string; readonly 'x-expected'?: string }
  return Type.Optional(
    Type.String({ pattern: pattern ?? '', maxLength: MAX_DURATION_CHARS, 'x-expected': expected, description }),
  )
}

export function nameArgument(description: string, maxLength = 256) {
  return Type.Optional(Type.String({ minLength: 1, maxLength, description }))
}

export function countArgument(maximum: number, fallback: number, description: string) {
  return Type.Optional(
    Type.Integer({ minimum: 1, maximum, description: `${description} 1 to ${maximum}, default ${fallback}.` }),
  )
}
