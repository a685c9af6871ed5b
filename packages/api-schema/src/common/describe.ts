import { Type, type TProperties, type TSchema } from 'typebox'

/** A copy of a schema with the description that OpenAPI shows. */
export function describe<Schema extends TSchema>(description: string, schema: Schema): Schema {
  // TypeBox keeps its kinds in properties that aren't enumerable.
  const descriptors = Object.getOwnPropertyDescriptors(schema)
  return Object.defineProperties(
    {},
    { ...descriptors, description: { value: description, enumerable: true } },
  ) as Schema
}

/** Defines the parameters of a path or query; others are errors. */
export function defineParameters<Properties extends TProperties>(properties: Properties) {
  return Type.Object(properties, { additionalProperties: false })
}

export function allowNull<Schema extends TSchema>(schema: Schema) {
  return Type.Union([schema, Type.Null()])
}
