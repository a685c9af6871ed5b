import { type TProperties, type TSchema, Type } from 'typebox'
import { Errors } from 'typebox/value'
import { ToolError } from '../tool-error.ts'
import { quote } from '../text/quote.ts'

/** Schema of a tool's arguments; others are errors. */
export type Input = {
  readonly type: 'object'
  readonly properties: Readonly<Record<string, TSchema>>
  readonly required?: readonly string[]
}

export function toInput(properties: TProperties): Input {
  return Type.Object(properties, { additionalProperties: false })
}

const MAX_NAMED_ARGUMENTS = 30

/** @throws ToolError that names the first invalid argument and what is valid */
export function validateArguments(tool: string, input: Input, args: Readonly<Record<string, unknown>>): void {
  const names = Object.keys(input.properties)
  const unknown = Object.keys(args).filter((name) => !names.includes(name))
  if (unknown.length > 0) {
    const shown = unknown.slice(0, 3).map((name) => quote(name, 40))
    throw new ToolError(`Unknown argument ${shown.join(', ')}: ${tool} takes ${names.join(', ')}.`)
  }
  const [error] = Errors(input as unknown as TSchema, args)
  if (error === undefined) return
  const [, name = '', ...inside] = error.instancePath.split('/')
  const schema = input.properties[name]
  if (error.keyword === 'required' && name === '') {
    const [missing = ''] = error.params.requiredProperties
    throw new ToolError(`Missing argument ${missing}: expected ${describeExpected(input.properties[missing])}.`)
  }
  if (schema === undefined) throw new ToolError(`Invalid arguments: expected an object with ${names.join(', ')}.`)
  const value: unknown = args[name]
  const where = inside.length === 0 ? '' : ` (at ${quote(inside.join('/'), 60)})`
  throw new ToolError(`Invalid ${name} ${describeValue(value)}${where}: expected ${describeExpected(schema)}.`)
}

function describeValue(value: unknown): string {
  if (typeof value === 'string') return quote(value, 80)
  if (value === null || typeof value !== 'object') return String(value)
  return Array.isArray(value) ? `(a list of ${value.length})` : '(an object)'
}

function describeExpected(schema: TSchema | undefined): string {
  const {
    'x-expected': expected,
    enum: choices,
    type,
    minimum,
    maximum,
    minLength = 0,
    maxLength,
    maxProperties,
    maxItems,
  } = (schema ?? {}) as Readonly<Record<string, unknown>> & { readonly enum?: readonly unknown[] }
  if (typeof expected === 'string') return expected
  if (choices !== undefined) return `one of ${choices.slice(0, MAX_NAMED_ARGUMENTS).join(', ')}`
  if (type === 'integer') return `a whole number from ${String(minimum)} to ${String(maximum)}`
  if (type === 'string') return `text of ${String(minLength)} to ${String(maxLength)} characters`
  if (type === 'boolean') return 'true or false'
  if (type === 'array') return `a list of at most ${String(maxItems)} texts`
  if (type === 'object')
    return `an object of at most ${String(maxProperties)} names with number, boolean or text values of at most 1024 characters`
  return 'another value'
}
