import type { TSchema } from 'typebox'

/** A copy of a schema with the description that OpenAPI shows. */
export function describe<Schema extends TSchema>(description: string, schema: Schema): Schema {
  // TypeBox keeps its kinds in properties that aren't enumerable.
  const descriptors = Object.getOwnPropertyDescriptors(schema)
  return Object.defineProperties(
    {},
    { ...descriptors, description: { value: description, enumerable: true } },
  ) as Schema
}
