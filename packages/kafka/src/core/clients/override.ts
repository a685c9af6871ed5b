/**
 * Replaces a method on one object by an own property: a Proxy would break clients with private
 * state (Confluent's `#state`).
 */
export function replaceMethod<T extends object, K extends keyof T>(target: T, name: K, method: T[K]): void {
  Object.defineProperty(target, name, { value: method, configurable: true, enumerable: true, writable: true })
}

/**
 * An object that reads like `config` but for `replaced`. `config` may be frozen, or an instance
 * that inherits its values.
 */
export function overrideProperties<T extends object>(config: T, replaced: Partial<T>): T {
  return Object.assign(
    Object.create(config, Object.fromEntries(Object.keys(replaced).map(toWritableProperty))),
    replaced,
  )
}

// Assigning would otherwise fail on a property that `config` has frozen.
function toWritableProperty(name: string): [string, PropertyDescriptor] {
  return [name, { value: undefined, writable: true, enumerable: true, configurable: true }]
}
