/**
 * Replaces a method by an own property: a Proxy would break private state (Confluent's `#state`).
 */
export function replaceMethod<T extends object, K extends keyof T>(target: T, name: K, method: T[K]): void {
  Object.defineProperty(target, name, { value: method, configurable: true, enumerable: true, writable: true })
}

/**
 * Creates an object that inherits from `config`, which may be frozen, and has `replaced`
 * properties.
 */
export function overrideProperties<T extends object>(config: T, replaced: Partial<T>): T {
  return Object.assign(
    Object.create(config, Object.fromEntries(Object.keys(replaced).map(toWritableProperty))),
    replaced,
  )
}

// Assignment fails on properties that are frozen in the prototype.
function toWritableProperty(name: string): [string, PropertyDescriptor] {
  return [name, { value: undefined, writable: true, enumerable: true, configurable: true }]
}
