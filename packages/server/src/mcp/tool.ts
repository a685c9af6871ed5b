import { type Static, type TProperties, Type } from 'typebox'
import type { ApiQuery, ReadApi } from './read-api.ts'
import type { Answer } from './text/answer.ts'
import { MaxChars } from './input/shared.ts'
import { toInput, type Input } from './input/validate-arguments.ts'

export type ToolContext = {
  readonly read: ReadApi
  /** Absolute URL of a page: `pageUrl('flow/4bf9…', { with: '00f0…' })`. */
  readonly pageUrl: (path: string, query?: ApiQuery) => string
  readonly nowMs: number
}

export type Tool = {
  readonly name: string
  readonly title: string
  readonly description: string
  readonly input: Input
  /** @throws ToolError */
  readonly run: (args: unknown, context: ToolContext) => Promise<Answer>
}

type Definition<Properties extends TProperties> = {
  readonly name: string
  readonly title: string
  readonly description: string
  readonly arguments: Properties
  readonly run: (args: Static<ReturnType<typeof Type.Object<Properties>>>, context: ToolContext) => Promise<Answer>
}

/** Types the arguments of a tool by their schemas, and adds `maxChars`. */
export function defineTool<const Properties extends TProperties>(definition: Definition<Properties>): Tool {
  const { name, title, description, run } = definition
  return {
    name,
    title,
    description,
    input: toInput({ ...definition.arguments, maxChars: MaxChars }),
    run: run as Tool['run'],
  }
}
