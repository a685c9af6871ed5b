export { attributeKeys } from './attribute-keys.ts'
export { attributeValues, typedValues } from './attribute-values.ts'
