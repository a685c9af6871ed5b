export { attributeKeys } from './attribute-keys.ts'
export { narrowingIn, narrowingOf } from './narrowing.ts'
export { attributeValues, typedValues } from './attribute-values.ts'
