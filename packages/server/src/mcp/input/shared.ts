import { type TSchema, Type } from 'typebox'
import { Duration, SpanId, TraceId } from '@spanlink/api-schema'
import { DEFAULT_ANSWER_CHARS, MAX_ANSWER_CHARS, MIN_ANSWER_CHARS } from '../text/answer.ts'

/** A copy of an API schema with another description. */
export function describe<Schema extends TSchema>(description: string, schema: Schema): Schema {
  const descriptors = Object.getOwnPropertyDescriptors(schema)
  const described = { value: description, enumerable: true, configurable: true }
  return Object.defineProperties({}, { ...descriptors, description: described }) as Schema
}

export const MaxChars = Type.Optional(
  Type.Integer({
    minimum: MIN_ANSWER_CHARS,
    maximum: MAX_ANSWER_CHARS,
    description: `Longest answer in characters. Default ${DEFAULT_ANSWER_CHARS}.`,
  }),
)

export const traceIdArgument = (description: string) => describe(description, TraceId)
export const spanIdArgument = (description: string) => Type.Optional(describe(description, SpanId))
export const durationArgument = (description: string) => Type.Optional(describe(description, Duration))

export function nameArgument(description: string, maxLength = 256) {
  return Type.Optional(Type.String({ minLength: 1, maxLength, description }))
}

export function countArgument(maximum: number, fallback: number, description: string) {
  return Type.Optional(
    Type.Integer({ minimum: 1, maximum, description: `${description} 1 to ${maximum}, default ${fallback}.` }),
  )
}
