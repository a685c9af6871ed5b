import { Problem } from '@spanlink/api-schema'
import type { TSchema } from 'typebox'
import type { Endpoint } from './routes/endpoint.ts'

/** Converts the endpoints to an OpenAPI 3.1 document. Its schemas are JSON Schema, as ours are. */
export function openApi(endpoints: readonly Endpoint[], version: string): object {
  const byPath = Map.groupBy(endpoints, ({ path }) => path)
  return {
    openapi: '3.1.0',
    info: { title: 'Spanlink', version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    paths: Object.fromEntries([...byPath].map(([path, ones]) => [path, describeMethods(ones)])),
  }
}

function describeMethods(endpoints: readonly Endpoint[]): object {
  return Object.fromEntries(endpoints.map((one) => [(one.method ?? 'GET').toLowerCase(), operation(one)]))
}

function operation(endpoint: Endpoint): object {
  return {
    summary: endpoint.summary,
    'x-role': endpoint.role,
    parameters: [...parameters(endpoint.params, 'path'), ...parameters(endpoint.query, 'query')],
    responses: {
      200: { description: 'Response', content: { 'application/json': { schema: endpoint.response } } },
      default: { description: 'Problem (RFC 9457)', content: { 'application/problem+json': { schema: Problem } } },
    },
  }
}

function parameters(schema: TSchema | undefined, where: 'path' | 'query'): object[] {
  const { properties = {}, required = [] } = (schema ?? {}) as {
    readonly properties?: Readonly<Record<string, TSchema>>
    readonly required?: readonly string[]
  }
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: where,
    required: required.includes(name),
    ...('description' in property && { description: property['description'] }),
    schema: property,
  }))
}
